// Runs the command line with its output in files or on a terminal.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace fallow {

struct CliOutcome {
  int status = -1;  // exit status, or -1 if a signal ended it
  std::string out, err;
};

// Runs `fallow ARGUMENTS` and waits for its end. Adds `environment` ("NAME=value") to a minimal environment.
CliOutcome run_cli(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment = {});

// Like run_cli(), with standard output on a full device, so that `out` stays empty.
CliOutcome run_cli_into_full_disk(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& environment = {});

// Whether the machine has terminals to give (/dev/pts); without, tests of terminals are skipped.
bool has_terminals();
#define FALLOW_NEEDS_TERMINAL() \
  if (!::fallow::has_terminals()) GTEST_SKIP() << "needs a terminal: there is no /dev/pts to open one in"

// Like run_cli(), on a terminal of 80 columns and 24 rows. `out` receives standard output and standard error.
// With `interrupt_at`, Ctrl-C is typed as soon as this text has appeared.
CliOutcome run_cli_on_terminal(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment = {},
                               const std::string& interrupt_at = "");

}  // namespace fallow
