#include "cli/top/top_command.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription = "Show the guests of a running 'fallow serve', updated continuously";

constexpr const char* kFooter =
    R"(Shows a line for each guest: its memory, the part in its balloon, and the part that is
resident on the host, both now (as a bar) and over the last samples (as a graph).

Keys:
  q             quit
  up, down      select a guest; its details appear at the bottom
  left, right   sort by another column
  p, r          pause or resume releasing the memory that the guest reports
  +, -          raise or lower the balloon's target by a sixteenth of the guest's memory

If standard input or output is not a terminal, prints the table once and exits.

Exit status:
  0    the user quit
  1    no daemon answered
  2    invalid command line
  130  stopped by Ctrl-C; for another signal 128 plus its number)";

}  // namespace

CLI::App* add_top_command(CLI::App& app, TopWords* words) {
  CLI::App* top = app.add_subcommand("top", kDescription);
  top->footer(kFooter);
  top->add_option("--control", words->control,
                  "Control socket of the daemon: its --control, or its first\n"
                  "--socket with .ctl appended.\n"
                  "Default: $FALLOW_CONTROL, or else /run/fallow/control")
      ->type_name("PATH")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  top->add_option("--interval", words->interval, "Time between samples, from 100ms to 1h. Default: 1s")
      ->type_name("TIME")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  top->set_help_flag();
  top->set_help_flag("-h,--help", "Print this help");
  return top;
}

}  // namespace fallow::cli
