#include "cli/command_line.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace fallow::cli {
namespace {

constexpr const char* kDescription = "Find the memory that a guest does not use, and return it to the host.";
constexpr const char* kFooter =
    "'fallow help VERB' describes a verb and gives examples; 'fallow version' prints the\n"
    "version. A first command to try:\n"
    "  fallow replay data/workday.txt.zst\n";

}  // namespace

CommandLine::CommandLine() : app(kDescription, "fallow") {
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("-V,--version", "fallow " FALLOW_VERSION, "Print the version");
  app.footer(kFooter);
  replay = add_replay_command(app, &replay_words);
  boot = add_boot_command(app, &boot_words);
  serve = add_serve_command(app, &serve_words);
  ctl = add_ctl_command(app, &ctl_words);
  top = add_top_command(app, &top_words);
  // main() carries it out before this is parsed.
  CLI::App* const help = app.add_subcommand("help", "Print the help of the program, or of a verb")->group("");
  help->add_option("VERB", help_topic, "The verb")->type_name("replay|boot|serve|ctl|top")->option_text(" ");
  version = app.add_subcommand("version", "Print the version")->group("");
}

}  // namespace fallow::cli
