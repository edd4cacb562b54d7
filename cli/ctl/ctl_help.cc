#include "cli/ctl/ctl_command.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription = "Control a running 'fallow serve', and show its guests";

constexpr const char* kFooter =
    R"(Actions:
  list                list the guests with their memory, resident memory, balloon and
                      released memory
  statistics GUEST    show everything known about a guest, including the statistics
                      that the guest itself provides
  target GUEST SIZE   set how much memory the guest puts into its balloon; the host
                      keeps that memory until the target is lowered; 0 returns all.
                      At most the guest's memory; a warning says if the guest has
                      less to give
  pause GUEST         stop releasing the memory that the guest reports
  resume GUEST        release reported memory again

GUEST is a number from 'list'; target, pause and resume also accept 'all'.

Examples:
  fallow ctl list
  fallow ctl target 3 256M
  fallow ctl target all 10%
  fallow ctl pause all
  fallow ctl --json statistics 3 | jq .guests[0].statistics

Exit status:
  0  success
  1  no daemon answered, or the daemon refused the request
  2  invalid command line)";

}  // namespace

CLI::App* add_ctl_command(CLI::App& app, CtlWords* words) {
  CLI::App* ctl = app.add_subcommand("ctl", kDescription);
  ctl->footer(kFooter);
  // Only completions use the type names of operands: option_text() replaces them in --help.
  ctl->add_option("ACTION", words->action, "What to do: list, statistics, target, pause or resume")
      ->type_name("list|statistics|target|pause|resume")
      ->option_text(" ");
  ctl->add_option("GUEST", words->guest, "The guest's number, or all")->type_name("");
  ctl->add_option("SIZE", words->size,
                  "Target of the balloon: a size with its unit, such as 64M or\n1.5GiB, or a part of the "
                  "guest's memory, such as 25%")
      ->type_name("");
  ctl->add_option("--control", words->control,
                  "Control socket of the daemon: its --control, or its first\n"
                  "--socket with .ctl appended.\n"
                  "Default: $FALLOW_CONTROL, or else /run/fallow/control")
      ->type_name("PATH")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  ctl->add_flag("--json", words->json, "Print the daemon's answer as JSON");
  ctl->set_help_flag();
  ctl->set_help_flag("-h,--help", "Print this help");
  return ctl;
}

}  // namespace fallow::cli
