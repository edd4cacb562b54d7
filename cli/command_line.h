// The command line as CLI11 models it: the program's options, the verbs and what the user typed.
#pragma once

#include <CLI/App.hpp>

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
  const CLI::App *replay, *boot, *serve, *ctl, *top;
};

}  // namespace fallow::cli
