#include "apps/fallow/serve_supervisor.h"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <new>
#include <vector>

#include "apps/fallow/exit_status.h"
#include "fallow/base/check.h"

namespace fallow {
namespace {

// Of the worker's process: of whom it is the child, and where it says that it serves, shared with them.
pid_t supervisor_process = 0;
std::atomic<bool>* serving = nullptr;

void say_serving() { serving->store(true, std::memory_order_relaxed); }  // nothing is published with it

timespec now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time;
}

// fork(), but with one table of descriptors for both. What fork() does beside that is for programs with
// threads, which the supervisor is not.
pid_t clone_with_shared_files() {
  return static_cast<pid_t>(syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
}

// The C library keeps two signals to itself, and leaves them out of every set; they end a process like any
// other. A worker's mask is set through the library, which lets them in again.
void block_the_librarys() {
  constexpr int kFirst = 32, kLast = 33;
  const std::uint64_t both = std::uint64_t{1} << (kFirst - 1) | std::uint64_t{1} << (kLast - 1);
  FALLOW_CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &both, nullptr, sizeof both) == 0);
}

std::string words_of(int status) {
  if (WIFEXITED(status)) return fmt::format("ended with status {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  std::string words = fmt::format("was killed by signal {} ({})", signal, strsignal(signal));
  if (signal == SIGSYS) words += ": it made a system call that the sandbox forbids";
  return words;
}

class Supervisor {
 public:
  Supervisor(const supervisor::Worker& worker, const SupervisorOptions& options, ServeLog& log)
      : worker_(worker), options_(options), log_(log) {
    deaths_.reserve(options.deaths + 1);
    sigfillset(&signals_);
    for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT}) sigdelset(&signals_, signal);
    FALLOW_CHECK(sigprocmask(SIG_BLOCK, &signals_, &workers_signals_) == 0);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&workers_signals_, signal);
    block_the_librarys();
    signal(SIGPIPE, SIG_IGN);
    void* const page =
        mmap(nullptr, sizeof *serving, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FALLOW_CHECK(page != MAP_FAILED);
    serving = new (page) std::atomic<bool>(false);
    supervisor_process = getpid();
  }
  ~Supervisor() { munmap(serving, sizeof *serving); }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  int run() {
    while (true) {
      process_ = clone_with_shared_files();
      if (process_ == 0) {
        sigprocmask(SIG_SETMASK, &workers_signals_, nullptr);
        _exit(die_with_supervisor() ? worker_.run(worker_.context, say_serving) : kExitFailed);
      }
      if (process_ < 0) {
        log_.write(LogLevel::Error, "no_worker",
                   fmt::format("cannot start a worker: clone: {}", std::strerror(errno)));
        if (!serving->load(std::memory_order_relaxed) || stopping_ > 0) return kExitFailed;
        wait_for(options_.wait_ms);
        continue;
      }
      if (stopping_ > 0) kill(process_, SIGTERM);
      const int status = wait_for_worker();
      if (status == 0) return kExitOk;
      if (!serving->load(std::memory_order_relaxed)) {
        // With a status of its own it has said why.
        if (WIFSIGNALED(status)) log_.write(LogLevel::Error, "worker_died", "the worker " + words_of(status));
        return kExitFailed;
      }
      if (!go_on_after(status)) return kExitFailed;
    }
  }

 private:
  // The status of the worker that ended.
  int wait_for_worker() {
    while (true) {
      take_signal(sigwaitinfo(&signals_, nullptr));
      int status = 0;
      pid_t ended = 0;
      while ((ended = waitpid(process_, &status, WNOHANG)) < 0 && errno == EINTR) {
      }
      if (ended != process_) continue;
      process_ = -1;
      return status;
    }
  }

  void take_signal(int signal) {
    if (signal == SIGHUP && options_.reopen != nullptr) options_.reopen(options_.context);
    if (signal > 0 && signal != SIGHUP && signal != SIGCHLD && signal != SIGTERM && signal != SIGINT) {
      log_.write(LogLevel::Warning, "signal_ignored",
                 fmt::format("signal {} ({}) is ignored: SIGTERM or SIGINT ends the daemon", signal,
                             strsignal(signal)));
    }
    if (signal != SIGTERM && signal != SIGINT) return;
    ++stopping_;
    if (process_ > 0) kill(process_, stopping_ > 1 ? SIGKILL : SIGTERM);
  }

  // False: it gives up.
  bool go_on_after(int status) {
    const auto died = now().tv_sec;
    const auto span = static_cast<std::time_t>(options_.span_s);
    deaths_.erase(
        std::remove_if(deaths_.begin(), deaths_.end(), [&](std::time_t at) { return at + span < died; }),
        deaths_.end());
    deaths_.push_back(died);
    const std::string words = fmt::format("the worker {}", words_of(status));
    if (stopping_ > 1 || (stopping_ == 1 && ++drain_deaths_ >= options_.drain_deaths)) {
      log_.write(LogLevel::Error, "worker_died",
                 words + " before it had handed all back; guests may miss memory");
      return false;
    }
    const bool often = deaths_.size() > options_.deaths;
    log_.write(
        LogLevel::Error, "worker_died",
        words + (often ? "; it died often, so the next one starts a little later" : "; the next one starts"));
    if (often) {
      deaths_.erase(deaths_.begin());
      wait_for(options_.wait_ms);
    }
    return true;
  }

  // Or until it is told to stop: guests may wait for what the worker owed them.
  void wait_for(unsigned ms) {
    const timespec from = now();
    const unsigned stopping = stopping_;
    for (std::uint64_t left = ms; left > 0 && stopping_ == stopping;) {
      const timespec time{static_cast<std::time_t>(left / 1000), static_cast<long>(left % 1000) * 1000000};
      take_signal(sigtimedwait(&signals_, nullptr, &time));
      const timespec at = now();
      const auto passed = static_cast<std::uint64_t>((at.tv_sec - from.tv_sec) * 1000 +
                                                     (at.tv_nsec - from.tv_nsec) / 1000000);
      left = passed >= ms ? 0 : ms - passed;
    }
  }

  const supervisor::Worker worker_;
  const SupervisorOptions options_;
  ServeLog& log_;
  sigset_t signals_{};          // blocked, and waited for
  sigset_t workers_signals_{};  // blocked in workers
  pid_t process_ = -1;
  unsigned stopping_ = 0;  // signals that asked for it
  unsigned drain_deaths_ = 0;
  std::vector<std::time_t> deaths_;  // the last ones, oldest first
};

}  // namespace

int supervise(const supervisor::Worker& worker, const SupervisorOptions& options, ServeLog& log) {
  return Supervisor(worker, options, log).run();
}

bool from_supervisor(const siginfo_t& info) noexcept { return info.si_pid == supervisor_process; }

bool die_with_supervisor() noexcept {
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == supervisor_process;
}

}  // namespace fallow
