// Runs the command line as its users do: with its output in files, or on a terminal.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace fallow {

struct CliOutcome {
  int status = -1;  // exit status; -1: ended by a signal
  std::string out, err;
};

// Runs `fallow ARGUMENTS`, with `environment` ("NAME=value") on top of a plain one, and waits for its end.
CliOutcome run_cli(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment = {});

// The same with standard output on a device that is full, so that `out` stays empty.
CliOutcome run_cli_into_full_disk(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& environment = {});

// The same on a terminal of 80 columns and 24 rows, which is `out`; standard error is that terminal too. With
// `interrupt_at`, Ctrl-C is typed as soon as this text has appeared.
CliOutcome run_cli_on_terminal(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment = {},
                               const std::string& interrupt_at = "");

}  // namespace fallow
