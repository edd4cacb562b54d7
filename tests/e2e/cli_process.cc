#include "tests/e2e/cli_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace fallow {
namespace {

[[noreturn]] void become_cli(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& environment) {
  std::vector<char*> words, variables;
  std::string program = FALLOW_PROGRAM;
  std::vector<std::string> texts = {"PATH=/usr/bin:/bin", "TERM=xterm-256color", "LC_ALL=C.UTF-8"};
  std::vector<std::string> given = arguments;
  texts.insert(texts.end(), environment.begin(), environment.end());
  words.push_back(program.data());
  for (std::string& word : given) words.push_back(word.data());
  words.push_back(nullptr);
  // getenv() returns the first match, so the given variables come before the defaults.
  for (auto text = texts.rbegin(); text != texts.rend(); ++text) variables.push_back(text->data());
  variables.push_back(nullptr);
  execve(program.c_str(), words.data(), variables.data());
  _exit(127);
}

int exit_status_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

CliOutcome run_cli_into(const std::string& out, const std::vector<std::string>& arguments,
                        const std::vector<std::string>& environment) {
  const ScratchFolder folder;
  const std::string err = folder.path("err");
  const pid_t child = fork();
  if (child == 0) {
    constexpr mode_t kMode = 0600;
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, kMode), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, kMode), STDERR_FILENO);
    become_cli(arguments, environment);
  }
  EXPECT_GT(child, 0);
  CliOutcome outcome;
  outcome.status = exit_status_of(child);
  outcome.err = read_file(err);
  return outcome;
}

}  // namespace

CliOutcome run_cli(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  const ScratchFolder folder;
  CliOutcome outcome = run_cli_into(folder.path("out"), arguments, environment);
  outcome.out = read_file(folder.path("out"));
  return outcome;
}

CliOutcome run_cli_into_full_disk(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& environment) {
  return run_cli_into("/dev/full", arguments, environment);
}

bool has_terminals() {
  int terminal = -1, other = -1;
  if (openpty(&terminal, &other, nullptr, nullptr, nullptr) != 0) return false;
  close(terminal);
  close(other);
  return true;
}

CliOutcome run_cli_on_terminal(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment, const std::string& interrupt_at) {
  const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) become_cli(arguments, environment);
  EXPECT_GT(child, 0);
  CliOutcome outcome;
  bool interrupted = interrupt_at.empty();
  char piece[4096];
  // read() fails with EIO when the child exits.
  for (ssize_t count = 0; (count = read(terminal, piece, sizeof piece)) > 0;) {
    outcome.out.append(piece, static_cast<std::size_t>(count));
    if (interrupted || outcome.out.find(interrupt_at) == std::string::npos) continue;
    constexpr char kControlC = 3;
    EXPECT_EQ(write(terminal, &kControlC, 1), 1);
    interrupted = true;
  }
  close(terminal);
  outcome.status = exit_status_of(child);
  return outcome;
}

}  // namespace fallow
