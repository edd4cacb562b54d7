// Runs the command line as its users do: with its output in files, or on a terminal.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace fallow {

struct CliOutcome {
  int status = -1;  // exit status; -1: ended by a signal
  std::string out, err;
};

// Runs `fallow ARGUMENTS`, with `environment` ("NAME=value") on top of a plain one, and waits for its end.
CliOutcome run_cli(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment = {});

// The same on a terminal of 80 columns and 24 rows, which is `out`; standard error is that terminal too. With
// `interrupt_at`, Ctrl-C is typed as soon as this text has appeared.
CliOutcome run_cli_on_terminal(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment = {},
                               const std::string& interrupt_at = "");

// A folder that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Makes a file in it and returns its path.
  std::string file(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path folder_;
};

std::string read_file(const std::string& path);

}  // namespace fallow
