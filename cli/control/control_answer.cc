#include "cli/control/control_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "cli/control/control_names.h"
#include "cli/control/control_request.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;
using nlohmann::json;

constexpr const char* kNoAnswer =
    "a guest did not answer in time and may still do so; 'list' shows whether it is stuck";

// Paths and sentences may hold arbitrary bytes; JSON must be UTF-8.
std::string line_of(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

json refusals_of(const BalloonDeviceStats& stats) {
  json object = json::object();
  for (std::size_t i = 0; i < kRefusals; ++i) object[kRefusalNames.at(i)] = stats.refused.at(i);
  return object;
}

json mistakes_of(const DriverMistakes& mistakes) {
  json object = json::object();
  const auto counts = mistake_counts(mistakes);
  for (std::size_t i = 0; i < counts.size(); ++i) object[kMistakeNames.at(i)] = counts.at(i);
  return object;
}

// Only the statistics that the guest sent.
json statistics_of(const GuestStatistics& statistics) {
  json object = {{"updates", statistics.updates}, {"unknown_tags", statistics.unknown_tags}};
  for (std::size_t i = 0; i < kStatTags; ++i)
    if ((statistics.present >> i & 1) != 0)
      object[std::string(kStatisticNames.at(i).name) + (kStatisticNames.at(i).bytes ? "_bytes" : "")] =
          statistics.value.at(i);
  return object;
}

json calls_of(const vhost::CallTimes& calls) {
  std::uint64_t count = 0;
  for (const std::uint64_t n : calls.counts) count += n;
  return {{"count", count}, {"seconds", calls.sum}};
}

json guest_object(const vhost::GuestSnapshot& guest, std::span<const std::string> sockets) {
  const BalloonDeviceStats& device = guest.device;
  return {{"guest", guest.number},
          {"socket", socket_name(guest, sockets)},
          {"connected", guest.connected},
          {"ready", guest.ready},
          {"paused", guest.paused},
          {"stuck", guest.stuck},
          {"memory_bytes", guest.memory.raw},
          {"resident_bytes", guest.resident.raw},
          {"target_bytes", bytes(guest.target).raw},
          {"actual_bytes", bytes(guest.actual).raw},
          {"restarts", guest.restarts},
          {"worker", guest.worker},
          {"features", guest.features},
          {"requests", device.reports},
          {"entries", device.entries},
          {"reported_bytes", device.reported.raw},
          {"released_bytes", device.released.raw},
          {"paused_requests", device.paused},
          {"inflated_bytes", bytes(device.inflated).raw},
          {"inflated_twice", device.inflated_twice},
          {"inflate_released_bytes", device.inflate_released.raw},
          {"hinted_bytes", device.hinted},
          {"discards", device.discards},
          {"refused_total", device.refused_all()},
          {"refused", refusals_of(device)},
          {"driver_mistakes", mistakes_of(guest.mistakes)},
          {"host_calls", calls_of(guest.calls)},
          {"statistics", statistics_of(guest.statistics)}};
}

std::string no_guest(std::uint64_t guest) {
  return "there is no guest " + std::to_string(guest) + "; 'list' shows the guests";
}

std::string describe_guests(const ControlRequest& request, GuestControl& desk,
                            std::span<const std::string> sockets) {
  const auto guests = desk.guests();
  if (!guests) return refuse_request(kNoAnswer);
  json objects = json::array();
  for (const vhost::GuestSnapshot& guest : *guests)
    if (request.command == Command::List || guest.number == request.guest)
      objects.push_back(guest_object(guest, sockets));
  if (request.command == Command::Statistics && objects.empty())
    return refuse_request(no_guest(request.guest));
  return line_of({{"ok", true}, {"guests", std::move(objects)}});
}

std::string mebibytes(ByteCount size) { return format_mib(to_mib(size)); }

// The memory that the guest could put into its balloon: what is there already, and what the guest says is
// available. Nothing if the guest did not say.
std::optional<ByteCount> can_give(const vhost::GuestSnapshot& guest) {
  for (const StatTag tag : {StatTag::MemoryAvailable, StatTag::MemoryFree}) {
    const auto index = static_cast<std::size_t>(tag);
    if ((guest.statistics.present >> index & 1) == 0) continue;
    // The guest controls the value.
    const ByteCount there = bytes(guest.actual);
    const std::uint64_t room = guest.memory.raw > there.raw ? guest.memory.raw - there.raw : 0;
    return there + ByteCount{std::min(guest.statistics.value.at(index), room)};
  }
  return {};
}

ByteCount target_of(const ControlRequest& request, const vhost::GuestSnapshot& guest) {
  if (!request.percent) return request.size;
  // In whole frames, because a guest's memory in bytes times 100 may not fit.
  return bytes(PfnCount{whole_frames(guest.memory).raw * *request.percent / 100});
}

// Sets the target of one guest or of all. A target beyond the memory of a guest is refused, and then no
// target changes. A guest whose front-end has not passed its memory has any target.
std::string set_targets(const ControlRequest& request, GuestControl& desk) {
  const bool all = request.guest == ControlRequest::kAllGuests;
  const auto guests = desk.guests();
  if (!guests) return refuse_request(kNoAnswer);
  std::vector<std::pair<std::uint64_t, ByteCount>> targets;
  std::string warning;
  for (const vhost::GuestSnapshot& guest : *guests) {
    if (!all && guest.number != request.guest) continue;
    const ByteCount target = target_of(request, guest);
    targets.emplace_back(guest.number, target);
    if (guest.memory.raw != 0 && target > guest.memory)
      return refuse_request(
          fmt::format("target {} of guest {}: expected at most its memory, {}; a part of it is "
                      "written as 50%",
                      mebibytes(target), guest.number, mebibytes(guest.memory)));
    const auto most = can_give(guest);
    if (most && target > *most)
      warning += fmt::format("{}guest {} can give about {} now, and its target is {}",
                             warning.empty() ? "" : "; ", guest.number, mebibytes(*most), mebibytes(target));
  }
  if (targets.empty() && !all) return refuse_request(no_guest(request.guest));
  for (const auto& [number, target] : targets) {
    const auto status = desk.set_target(number, whole_frames(target));
    if (!status) return refuse_request(kNoAnswer);
    if (*status == Status::NotFound && all) continue;  // the guest has left meanwhile
    if (*status == Status::NotFound) return refuse_request(no_guest(number));
    if (*status != Status::Ok) return refuse_request(describe(*status));
  }
  return warning.empty() ? line_of({{"ok", true}}) : line_of({{"ok", true}, {"warning", warning}});
}

std::string steer(const ControlRequest& request, GuestControl& desk) {
  if (request.command == Command::Target) return set_targets(request, desk);
  const auto status = desk.pause(request.guest, request.command == Command::Pause);
  if (!status) return refuse_request(kNoAnswer);
  if (*status == Status::Ok) return line_of({{"ok", true}});
  if (*status != Status::NotFound) return refuse_request(describe(*status));
  return refuse_request(no_guest(request.guest));
}

}  // namespace

std::string socket_name(const vhost::GuestSnapshot& guest, std::span<const std::string> sockets) {
  return guest.socket < sockets.size() ? sockets[guest.socket] : std::to_string(guest.socket);
}

std::string refuse_request(const std::string& error) { return line_of({{"ok", false}, {"error", error}}); }

std::string answer_request(std::string_view line, GuestControl& desk, std::span<const std::string> sockets,
                           bool may_steer) {
  std::string error;
  const auto request = read_request(line, &error);
  if (!request) return refuse_request(error);
  const bool question = request->command == Command::List || request->command == Command::Statistics;
  if (!question && !may_steer) return refuse_request("only root and the daemon's user may control guests");
  return question ? describe_guests(*request, desk, sockets) : steer(*request, desk);
}

}  // namespace fallow::cli
