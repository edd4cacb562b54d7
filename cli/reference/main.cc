// fallow-reference: prints the manual pages and the shell completions of the command line.
//
//   fallow-reference man VERB TEMPLATE    the manual page of a verb; of the program, if VERB is "fallow"
//   fallow-reference bash | zsh           a completion script
#include <fmt/format.h>
#include <unistd.h>

#include <exception>
#include <fstream>
#include <iterator>
#include <string>

#include "cli/command_line.h"
#include "cli/reference/completion.h"
#include "cli/reference/man_page.h"
#include "cli/term/exit_status.h"
#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

int fail(const std::string& sentence, int status) {
  write_all(STDERR_FILENO, "fallow-reference: " + sentence + "\n");
  return status;
}

int print(const std::string& text) {
  return write_all(STDOUT_FILENO, text) ? kExitOk : fail("standard output: cannot write", kExitFailed);
}

int print_page(const std::string& name, const std::string& path) {
  const CommandLine line;
  const CLI::App& command = name == "fallow" ? line.app : *line.app.get_subcommand(name);
  std::ifstream file(path);
  if (!file.is_open()) return fail(path + ": cannot open", kExitFailed);
  std::string error;
  const auto page = fill_man_page({std::istreambuf_iterator<char>(file), {}}, command, &error);
  return page ? print(*page) : fail(path + ": " + error, kExitFailed);
}

int run(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "";
  if (what == "man" && count == 4) return print_page(words[2], words[3]);
  if (what == "bash" && count == 2) return print(bash_completion(CommandLine().app));
  if (what == "zsh" && count == 2) return print(zsh_completion(CommandLine().app));
  return fail("expected man VERB TEMPLATE, bash or zsh", kExitUsage);
}

}  // namespace
}  // namespace fallow::cli

int main(int count, char** words) {
  try {
    return fallow::cli::run(count, words);
  } catch (const std::exception& error) {
    return fallow::cli::fail(error.what(), fallow::cli::kExitFailed);
  }
}
