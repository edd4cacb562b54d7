#include "cli/control/control_figures.h"

#include <nlohmann/json.hpp>

namespace fallow::cli {
namespace {

using nlohmann::json;

const json& member(const json& object, const char* name) {
  static const json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}

std::uint64_t count_of(const json& value) {
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}
std::uint64_t count_in(const json& object, const char* name) { return count_of(member(object, name)); }
ByteCount bytes_in(const json& object, const char* name) { return {count_in(object, name)}; }
bool flag_in(const json& object, const char* name) { return member(object, name) == true; }

std::vector<std::pair<std::string, std::uint64_t>> counts_in(const json& object, bool with_zero) {
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  if (!object.is_object()) return counts;
  for (const auto& [name, value] : object.items())
    if (value.is_number_unsigned() && (with_zero || count_of(value) > 0))
      counts.emplace_back(name, count_of(value));
  return counts;
}

}  // namespace

const char* GuestFigures::state() const {
  if (!connected) return "gone";
  if (stuck) return "stuck";
  if (!ready) return "starting";
  return paused ? "paused" : "serving";
}

GuestFigures read_figures(const json& object) {
  GuestFigures figures;
  figures.guest = count_in(object, "guest");
  if (const json& socket = member(object, "socket"); socket.is_string())
    figures.socket = socket.get<std::string>();
  figures.connected = flag_in(object, "connected");
  figures.ready = flag_in(object, "ready");
  figures.paused = flag_in(object, "paused");
  figures.stuck = flag_in(object, "stuck");
  figures.memory = bytes_in(object, "memory_bytes");
  figures.resident = bytes_in(object, "resident_bytes");
  figures.target = bytes_in(object, "target_bytes");
  figures.actual = bytes_in(object, "actual_bytes");
  figures.reported = bytes_in(object, "reported_bytes");
  figures.released = bytes_in(object, "released_bytes");
  figures.inflate_released = bytes_in(object, "inflate_released_bytes");
  figures.requests = count_in(object, "requests");
  figures.entries = count_in(object, "entries");
  figures.paused_requests = count_in(object, "paused_requests");
  figures.restarts = count_in(object, "restarts");
  figures.refused = count_in(object, "refused_total");
  figures.refusals = counts_in(member(object, "refused"), false);
  figures.mistakes = counts_in(member(object, "driver_mistakes"), false);
  figures.statistics = counts_in(member(object, "statistics"), true);
  const json& calls = member(object, "host_calls");
  figures.calls = count_in(calls, "count");
  if (const json& time = member(calls, "seconds"); time.is_number())
    figures.call_seconds = time.get<double>();
  return figures;
}

}  // namespace fallow::cli
