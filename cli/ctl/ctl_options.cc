#include "cli/ctl/ctl_options.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "cli/options/size_unit.h"
#include "cli/options/suggestion.h"
#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;

std::optional<std::uint64_t> read_guest(const CtlWords& words, bool all, std::string* error) {
  const char* expected =
      all ? "a guest's number from 'fallow ctl list', or all" : "a guest's number from 'fallow ctl list'";
  if (!words.guest) {
    *error = fmt::format("{} needs a GUEST: {}", *words.action, expected);
    return {};
  }
  if (all && *words.guest == "all") return ControlRequest::kAllGuests;
  const auto guest = parse_count(*words.guest);
  if (guest && *guest > 0) return guest;
  *error = fmt::format("GUEST '{}': expected {}", *words.guest, expected);
  return {};
}

// A size, or a part of the guest's memory in percent.
bool read_target(const CtlWords& words, ControlRequest* request, std::string* error) {
  constexpr const char* kExpected =
      "a size with its unit, from 0 to 16383G, such as 64M or 1.5GiB, or a part of the guest's memory, such "
      "as "
      "25%; 0 returns all memory";
  if (!words.size) {
    *error = fmt::format("target needs a SIZE: {}", kExpected);
    return false;
  }
  if (words.size->ends_with('%')) {
    const auto percent = parse_count(std::string_view(*words.size).substr(0, words.size->size() - 1));
    if (percent && *percent <= ControlRequest::kMostPercent) {
      request->percent = static_cast<std::uint32_t>(*percent);
      return true;
    }
  } else if (const auto size = parse_size_with_unit(*words.size);
             size && *size <= ControlRequest::kMostTarget) {
    request->size = *size;
    return true;
  }
  *error = fmt::format("SIZE '{}': expected {}", *words.size, kExpected);
  return false;
}

}  // namespace

std::optional<ControlRequest> interpret(const CtlWords& words, std::string* error) {
  constexpr const char* kActions = "list, statistics GUEST, target GUEST SIZE, pause GUEST or resume GUEST";
  if (!words.action) {
    *error = fmt::format("expected an action: {}", kActions);
    return {};
  }
  const auto command = command_named(*words.action);
  if (!command) {
    const std::array<std::string, 5> names = {"list", "statistics", "target", "pause", "resume"};
    const std::string meant = suggestion(*words.action, names);
    *error = fmt::format("unknown action '{}'{}", *words.action,
                         meant.empty() ? fmt::format("; expected {}", kActions) : meant);
    return {};
  }
  ControlRequest request{.command = *command, .guest = ControlRequest::kAllGuests};
  const std::optional<std::string>& surplus = *command == Command::List ? words.guest : words.size;
  if (surplus && *command != Command::Target) {
    *error = fmt::format("unexpected argument '{}' after {}", *surplus, *words.action);
    return {};
  }
  if (*command == Command::List) return request;
  const auto guest = read_guest(words, *command != Command::Statistics, error);
  if (!guest) return {};
  request.guest = *guest;
  if (*command == Command::Target) {
    if (!read_target(words, &request, error)) return {};
  }
  return request;
}

}  // namespace fallow::cli
