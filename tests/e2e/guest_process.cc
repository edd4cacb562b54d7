#include "tests/e2e/guest_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "tests/e2e/wait_until.h"

namespace fallow {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

std::string initrd_with(const std::vector<std::string>& modules) {
  static const ScratchFolder folder;
  static std::map<std::vector<std::string>, std::string> made;
  std::string& path = made[modules];
  if (!path.empty()) return path;
  path = folder.path("initrd" + std::to_string(made.size()));
  std::string command = std::string(FALLOW_MAKE_INITRD) + " " + path;
  for (const std::string& module : modules) command += " '" + module + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  return path;
}

bool GuestProcess::booted() {
  const std::string shell = "guest: ready";
  const std::size_t ready = wait_for(shell, read_to_, std::chrono::seconds(90));
  EXPECT_NE(ready, std::string::npos) << "the guest did not boot:\n" << console_;
  if (ready == std::string::npos) return false;
  read_to_ = ready + shell.size();
  return true;
}

bool GuestProcess::spawn(Program program) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return false;
  std::vector<char*> arguments;
  for (std::string& word : program.words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);  // so that all its processes can be killed together
    for (std::string& variable : program.environment) putenv(variable.data());
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(program.errors.empty() ? out[1] : open(program.errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600),
         2);
    if (!program.folder.empty() && chdir(program.folder.c_str()) != 0) _exit(126);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  in_ = in[1];
  out_ = out[0];
  return pid_ > 0;
}

GuestProcess::~GuestProcess() {
  kill();
  close(in_);
  close(out_);
}

// The tracing thread and all processes of the guest are in one process group.
void GuestProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool GuestProcess::running() {
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

int GuestProcess::wait_for_end(Time limit) {
  // Keep reading its output, or it blocks on a full pipe.
  const bool ended = wait_until([&] { return wait_for("\n", console_.size(), Time(0)), !running(); }, limit);
  return ended && WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

std::size_t GuestProcess::wait_for(const std::string& text, std::size_t from, Time limit) {
  const auto end = Clock::now() + limit;
  for (;;) {
    if (const std::size_t found = console_.find(text, from); found != std::string::npos) return found;
    const auto left = std::chrono::duration_cast<Time>(end - Clock::now());
    pollfd ready{out_, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) return std::string::npos;
    char buffer[4096];
    const ssize_t n = read(out_, buffer, sizeof buffer);
    if (n <= 0) return std::string::npos;
    for (ssize_t i = 0; i < n; ++i) {
      if (buffer[i] != '\r') console_.push_back(buffer[i]);
    }
  }
}

void GuestProcess::start(const std::string& command) {
  const std::string line = command + "\n";
  ASSERT_EQ(write(in_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
}

GuestAnswer GuestProcess::finish(Time limit) {
  const std::string begin = "guest: begin\n", end = "guest: end ";
  const std::size_t from = wait_for(begin, read_to_, limit);
  const std::size_t to = from == std::string::npos ? from : wait_for(end, from, limit);
  if (to == std::string::npos || wait_for("\n", to, limit) == std::string::npos) return {};
  read_to_ = to + end.size();
  return {std::atoi(console_.c_str() + read_to_),
          console_.substr(from + begin.size(), to - from - begin.size())};
}

GuestAnswer GuestProcess::run(const std::string& command, Time limit) {
  start(command);
  return finish(limit);
}

std::uint64_t GuestProcess::resident_bytes() const {
  std::uint64_t largest = 0, blocks = 0;
  std::error_code gone;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd", gone)) {
    struct stat file {};
    if (stat(entry.path().c_str(), &file) != 0 || !S_ISREG(file.st_mode) || file.st_nlink != 0) continue;
    const auto size = static_cast<std::uint64_t>(file.st_size);
    if (size <= largest) continue;
    largest = size;
    blocks = static_cast<std::uint64_t>(file.st_blocks) * 512;
  }
  return blocks;
}

}  // namespace fallow
