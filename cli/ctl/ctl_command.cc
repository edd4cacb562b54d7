#include "cli/ctl/ctl_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/control/control_client.h"
#include "cli/control/control_path.h"
#include "cli/control/guest_table.h"
#include "cli/term/exit_status.h"
#include "cli/term/format.h"
#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;

void complain(const std::string& sentence) { write_all(STDERR_FILENO, "fallow ctl: " + sentence + "\n"); }

std::string text_of(const ControlRequest& request, const ControlReply& reply) {
  if (request.command == Command::List) return guest_table(reply.guests);
  if (request.command == Command::Statistics)
    return reply.guests.empty() ? "No guests.\n" : guest_sheet(reply.guests.front());
  return confirmation(request);
}

// Indented, so that the answer is readable.
std::string json_of(const ControlReply& reply) {
  return nlohmann::json::parse(reply.line, nullptr, false)
             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

}  // namespace

int run_ctl(const CtlWords& words) {
  std::string error;
  const auto request = interpret(words, &error);
  if (!request) {
    complain(error + "\nTry 'fallow ctl --help'.");
    return kExitUsage;
  }
  const auto client = ControlClient::connect(words.control.value_or(default_control_path()));
  if (!client) {
    complain(client.error);
    return kExitFailed;
  }
  const auto reply = client.object->ask(*request, &error);
  if (!reply || !reply->ok) {
    complain(reply ? reply->error : error);
    return kExitFailed;
  }
  if (!reply->warning.empty()) complain("warning: " + printable(reply->warning));
  if (write_all(STDOUT_FILENO, words.json ? json_of(*reply) : text_of(*request, *reply))) return kExitOk;
  complain(fmt::format("cannot write the answer: {}", std::strerror(errno)));
  return kExitFailed;
}

}  // namespace fallow::cli
