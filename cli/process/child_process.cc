#include "cli/process/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/process/pipe.h"

namespace fallow::cli {
namespace {

// Runs between fork() and execv(), so calls async-signal-safe functions only. Returns only on failure, with
// errno set.
void become(char* const* words, int out, int err, const std::vector<int>& keep, pid_t parent,
            bool outlives_parent) {
  if (!outlives_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);  // the parent died before prctl()
  }
  setsid();
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
      dup2(err, STDERR_FILENO) < 0)
    return;
  for (const int file : keep) fcntl(file, F_SETFD, 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_DFL);
  execv(words[0], words);
}

}  // namespace

std::optional<ChildProcess> ChildProcess::start(const std::vector<std::string>& words,
                                                const std::vector<int>& keep, Options options,
                                                std::string* error) {
  std::vector<std::string> texts = words;
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);

  auto out = Pipe::open(), err = Pipe::open(), failure = Pipe::open();
  const pid_t parent = getpid();
  const pid_t child = out && err && failure ? fork() : -1;
  if (child == 0) {
    become(pointers.data(), out->write.get(), err->write.get(), keep, parent, options.outlives_us);
    const int reason = errno;
    static_cast<void>(!write(failure->write.get(), &reason, sizeof reason));
    _exit(1);
  }
  if (child < 0) {
    *error = fmt::format("{}: cannot start the program: {}", words[0], std::strerror(errno));
    return {};
  }
  ChildProcess process(child, std::move(out->read), std::move(err->read));
  failure->write.close();
  int reason = 0;
  ssize_t count = 0;
  while ((count = read(failure->read.get(), &reason, sizeof reason)) < 0 && errno == EINTR) {
  }
  if (count == sizeof reason) {
    *error = fmt::format("{}: cannot start the program: {}", words[0], std::strerror(reason));
    return {};
  }
  for (const int file : {process.out(), process.err()}) fcntl(file, F_SETFL, O_NONBLOCK);
  return process;
}

ChildProcess::ChildProcess(pid_t id, UniqueFd out, UniqueFd err)
    : id_(id), out_(std::move(out)), err_(std::move(err)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      status_(other.status_) {}

ChildProcess::~ChildProcess() { kill_and_wait(); }

bool ChildProcess::ended() {
  if (id_ < 0) return true;
  if (waitpid(id_, &status_, WNOHANG) != id_) return false;
  id_ = -1;
  return true;
}

void ChildProcess::kill_and_wait() {
  if (id_ < 0) return;
  kill(id_, SIGKILL);
  while (waitpid(id_, &status_, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
}

std::string ChildProcess::end_words() const {
  if (WIFEXITED(status_)) return fmt::format("ended with status {}", WEXITSTATUS(status_));
  const int signal = WTERMSIG(status_);
  return fmt::format("was killed by signal {} ({})", signal, strsignal(signal));
}

}  // namespace fallow::cli
