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
#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;

constexpr const char* kDescription = "Steers a running 'fallow serve', and tells of its guests";

constexpr const char* kFooter =
    R"(Actions:
  list                the guests: their memory, what of it is resident on the
                      host, their balloons, what went back
  statistics GUEST    all that is known of a guest, with what it says of itself
  target GUEST SIZE   how much memory the guest is to put into its balloon, which
                      gives it to the host until the target is lowered; 0: none
  pause GUEST         from now on nothing that the guest reports is released
  resume GUEST        releases again

GUEST is a number that list tells; for target, pause and resume also: all.

Examples:
  fallow ctl list
  fallow ctl target 3 256M
  fallow ctl pause all
  fallow ctl --json statistics 3 | jq .guests[0].statistics

Exit status:
  0  done
  1  no daemon answers, or it could not do what was asked
  2  the command line made no sense)";

void complain(const std::string& sentence) { write_all(STDERR_FILENO, "fallow ctl: " + sentence + "\n"); }

std::string words_of(const ControlRequest& request, const ControlReply& reply) {
  if (request.command == Command::List) return guest_table(reply.guests);
  if (request.command == Command::Statistics)
    return reply.guests.empty() ? "No guests.\n" : guest_sheet(reply.guests.front());
  return deed(request);
}

// Newlines and indents, so that people can read it too.
std::string json_of(const ControlReply& reply) {
  return nlohmann::json::parse(reply.line, nullptr, false)
             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

}  // namespace

CLI::App* add_ctl_command(CLI::App& app, CtlWords* words) {
  CLI::App* ctl = app.add_subcommand("ctl", kDescription);
  ctl->footer(kFooter);
  ctl->add_option("ACTION", words->action, "list, statistics, target, pause or resume: see below")
      ->type_name("");
  ctl->add_option("GUEST", words->guest, "Which guest")->type_name("");
  ctl->add_option("SIZE", words->size, "Of the balloon: 64M, 1.5GiB")->type_name("");
  ctl->add_option("--control", words->control,
                  "The daemon's control socket: what its --control said, or its first\n"
                  "--socket with .ctl behind it.\n"
                  "Default: $FALLOW_CONTROL, or /run/fallow/control")
      ->type_name("PATH")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  ctl->add_flag("--json", words->json, "Print what the daemon answers, as JSON");
  return ctl;
}

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
  if (write_all(STDOUT_FILENO, words.json ? json_of(*reply) : words_of(*request, *reply))) return kExitOk;
  complain(fmt::format("cannot write the answer: {}", std::strerror(errno)));
  return kExitFailed;
}

}  // namespace fallow::cli
