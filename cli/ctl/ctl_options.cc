#include "cli/ctl/ctl_options.h"

#include <fmt/format.h>

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

std::optional<ByteCount> read_size(const CtlWords& words, std::string* error) {
  constexpr const char* kExpected = "a size from 0 to 16383G, such as 64M or 1.5GiB; 0 returns all memory";
  if (!words.size) {
    *error = fmt::format("target needs a SIZE: {}", kExpected);
    return {};
  }
  const auto size = parse_size(*words.size);
  if (size && *size <= ControlRequest::kMostTarget) return size;
  *error = fmt::format("SIZE '{}': expected {}", *words.size, kExpected);
  return {};
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
    *error = fmt::format("unknown action '{}'; expected {}", *words.action, kActions);
    return {};
  }
  ControlRequest request{.command = *command, .guest = ControlRequest::kAllGuests, .size = {}};
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
    const auto size = read_size(words, error);
    if (!size) return {};
    request.size = *size;
  }
  return request;
}

}  // namespace fallow::cli
