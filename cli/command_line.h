// The command line as CLI11 models it: the program's options, the verbs and what the user typed.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "cli/boot/boot_command.h"
#include "cli/ctl/ctl_command.h"
#include "cli/replay/replay_command.h"
#include "cli/serve/serve_command.h"
#include "cli/top/top_command.h"

namespace fallow::cli {

// The only description of the command line. --help, the manual pages and the shell completions are made from
// `app`. Not movable: `app` points into the words.
struct CommandLine {
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CLI::App app;
  ReplayWords replay_words;
  BootWords boot_words;
  ServeWords serve_words;
  CtlWords ctl_words;
  TopWords top_words;
  std::optional<std::string> help_topic;  // the operand of `help`
  const CLI::App *replay, *boot, *serve, *ctl, *top;
  const CLI::App* version;  // like `help` not listed in --help, whose last lines name both
};

}  // namespace fallow::cli
