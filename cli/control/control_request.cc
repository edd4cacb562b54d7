#include "cli/control/control_request.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;
using nlohmann::json;

constexpr std::array<std::pair<const char*, Command>, 5> kCommands = {{{"list", Command::List},
                                                                       {"statistics", Command::Statistics},
                                                                       {"target", Command::Target},
                                                                       {"pause", Command::Pause},
                                                                       {"resume", Command::Resume}}};

std::optional<std::uint64_t> count_of(const json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number_unsigned()) return {};
  return member->get<std::uint64_t>();
}

// On failure returns false and sets `error`.
bool read_guest(const json& object, ControlRequest* request, std::string* error) {
  const auto member = object.find("guest");
  if (request->command != Command::Statistics && member != object.end() && *member == "all") return true;
  request->guest = count_of(object, "guest").value_or(0);
  if (request->guest > 0) return true;
  *error = request->command == Command::Statistics
               ? R"("guest": expected a guest's number, from 1 on)"
               : R"("guest": expected a guest's number, from 1 on, or "all")";
  return false;
}

}  // namespace

const char* command_name(Command command) {
  for (const auto& [name, value] : kCommands)
    if (value == command) return name;
  return "?";
}

std::optional<Command> command_named(std::string_view name) {
  for (const auto& [known, command] : kCommands)
    if (name == known) return command;
  return {};
}

std::string write_request(const ControlRequest& request) {
  json object = {{"command", command_name(request.command)}};
  if (request.command != Command::List) {
    object["guest"] = request.guest;
    if (request.guest == ControlRequest::kAllGuests) object["guest"] = "all";
  }
  if (request.command != Command::Target) return object.dump();
  if (request.percent)
    object["percent"] = *request.percent;
  else
    object["size"] = request.size.raw;
  return object.dump();
}

std::optional<ControlRequest> read_request(std::string_view line, std::string* error) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) {
    *error = R"(expected one JSON object a line, such as {"command":"list"})";
    return {};
  }
  const auto name = object.find("command");
  const auto command = name != object.end() && name->is_string()
                           ? command_named(name->get_ref<const std::string&>())
                           : std::nullopt;
  if (!command) {
    *error = R"("command": expected "list", "statistics", "target", "pause" or "resume")";
    return {};
  }
  ControlRequest request{.command = *command, .guest = ControlRequest::kAllGuests};
  if (request.command == Command::List) return request;
  if (!read_guest(object, &request, error)) return {};
  if (request.command == Command::Target) {
    if (object.contains("percent")) {
      const auto percent = count_of(object, "percent");
      if (!percent || *percent > ControlRequest::kMostPercent || object.contains("size")) {
        *error = R"("percent": expected a whole number from 0 to 100, and no "size")";
        return {};
      }
      request.percent = static_cast<std::uint32_t>(*percent);
      return request;
    }
    const auto size = count_of(object, "size");
    if (!size || ByteCount{*size} > ControlRequest::kMostTarget) {
      *error = R"("size": expected bytes, a whole number from 0 to 17592186040320)";
      return {};
    }
    request.size = {*size};
  }
  return request;
}

}  // namespace fallow::cli
