#include "cli/boot/boot_event.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "guest/protocol/event_names.h"

namespace fallow::cli {
namespace {

using Json = nlohmann::json;

// Reads the fields of one event, and keeps the first error.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {}

  std::string text(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) return "";
    if (!found->is_string()) return wrong<std::string>(name, "a text");
    return found->get<std::string>();
  }
  std::string needed_text(const char* name) {
    if (!json_.contains(name)) return wrong<std::string>(name, "there");
    return text(name);
  }
  std::optional<std::uint64_t> number(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) return {};
    if (!found->is_number_unsigned())
      return wrong<std::optional<std::uint64_t>>(name, "a whole number from 0 to 2^53");
    const auto value = found->get<std::uint64_t>();
    if (value > kMost) return wrong<std::optional<std::uint64_t>>(name, "a whole number from 0 to 2^53");
    return value;
  }
  std::uint64_t needed_number(const char* name) {
    if (!json_.contains(name)) return wrong<std::uint64_t>(name, "there");
    return number(name).value_or(0);
  }
  std::optional<bool> flag(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) return {};
    if (!found->is_boolean()) return wrong<std::optional<bool>>(name, "true or false");
    return found->get<bool>();
  }
  const std::string& reason() const { return reason_; }

 private:
  // The largest integer that every JSON reader represents exactly.
  static constexpr std::uint64_t kMost = std::uint64_t{1} << 53;

  template <class Value>
  Value wrong(const char* name, const char* expected) {
    if (reason_.empty()) reason_ = fmt::format("'{}' is not {}", name, expected);
    return {};
  }

  const Json& json_;
  std::string reason_;
};

GuestEvent started(Fields& fields) {
  GuestStarted event;
  event.loader = fields.text("loader");
  event.workload = fields.text("workload");
  event.policy = fields.text("policy");
  event.cpus = fields.number("cpus");
  event.memory_kib = fields.number("memory_kib");
  return event;
}

GuestEvent device(Fields& fields) {
  GuestDevice event;
  event.bus = fields.text("bus");
  event.place = fields.text("place");
  event.interrupts = fields.text("interrupts");
  event.features = fields.text("features");
  event.ring = fields.text("ring");
  event.event_index = fields.flag("event_idx");
  event.indirect = fields.flag("indirect");
  event.reporting = fields.flag("reporting");
  return event;
}

template <GuestMark::Point point>
GuestEvent mark(Fields& fields) {
  return GuestMark{.point = point, .mib = fields.number("mib")};
}

GuestEvent figures(Fields& fields) {
  boot::GuestFigures event;
  event.used_kib = fields.needed_number("used_kib");
  event.free_kib = fields.needed_number("free_kib");
  event.reported_kib = fields.number("reported_kib").value_or(0);
  event.requests = fields.number("requests").value_or(0);
  return event;
}

GuestEvent verdict(Fields& fields) {
  GuestVerdict event;
  event.verdict = fields.needed_text("verdict");
  event.zone_check = fields.text("zone_check");
  event.requests = fields.number("requests");
  event.entries = fields.number("entries");
  event.reported_mib = fields.number("reported_mib");
  event.failures = fields.number("failures");
  event.corrupted_frames = fields.number("corrupted_frames");
  event.failed_allocations = fields.number("failed_allocations");
  event.refused = fields.number("refused");
  event.rebinds = fields.number("rebinds");
  event.allocations = fields.number("allocations");
  event.frees = fields.number("frees");
  return event;
}

GuestEvent panic(Fields& fields) {
  GuestPanic event;
  event.what = fields.text("what");
  event.rip = fields.text("rip");
  event.address = fields.text("address");
  return event;
}

using Point = GuestMark::Point;
constexpr std::array<std::pair<std::string_view, GuestEvent (*)(Fields&)>, 11> kEvents = {
    {{guest::event_name::kBoot, started},
     {guest::event_name::kDevice, device},
     {guest::event_name::kRegistered, mark<Point::Registered>},
     {guest::event_name::kFirstReport, mark<Point::FirstReport>},
     {guest::event_name::kFilling, mark<Point::Filling>},
     {guest::event_name::kFilled, mark<Point::Filled>},
     {guest::event_name::kFreeing, mark<Point::Freeing>},
     {guest::event_name::kFreed, mark<Point::Freed>},
     {guest::event_name::kSample, figures},
     {guest::event_name::kVerdict, verdict},
     {guest::event_name::kPanic, panic}}};

SerialLine damaged(std::string reason) {
  return {.kind = SerialLine::Kind::Damaged, .event = {}, .reason = std::move(reason)};
}

}  // namespace

SerialLine parse_serial_line(std::string_view line) {
  constexpr std::string_view kMark = guest::event_name::kPrefix;
  while (line.starts_with('\r')) line.remove_prefix(1);
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.starts_with(kMark)) return {};
  const Json json = Json::parse(line.substr(kMark.size()), nullptr, false);
  if (!json.is_object()) return damaged("it is not a JSON object");
  Fields fields(json);
  const std::string name = fields.needed_text("event");
  if (!fields.reason().empty()) return damaged(fields.reason());
  for (const auto& [known, read] : kEvents) {
    if (name != known) continue;
    SerialLine result{.kind = SerialLine::Kind::Event, .event = read(fields), .reason = {}};
    return fields.reason().empty() ? result : damaged(fields.reason());
  }
  return {.kind = SerialLine::Kind::Unknown, .event = {}, .reason = {}};
}

}  // namespace fallow::cli
