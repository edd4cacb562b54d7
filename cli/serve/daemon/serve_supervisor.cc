#include "cli/serve/daemon/serve_supervisor.h"

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

#include "cli/term/exit_status.h"
#include "fallow/base/check.h"

namespace fallow::cli {
namespace {

// Used by the worker: the process ID of its supervisor, and a shared flag that it sets when it serves.
pid_t supervisor_process = 0;
std::atomic<bool>* serving = nullptr;

void set_serving() { serving->store(true, std::memory_order_relaxed); }  // relaxed: publishes no other data

timespec now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time;
}

// Like fork(), but both processes share one descriptor table. The other work of the C library's fork() is
// needed only in programs with threads, and the supervisor has none.
pid_t clone_with_shared_files() {
  return static_cast<pid_t>(syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
}

class Supervisor {
 public:
  Supervisor(const supervisor::Worker& worker, const SupervisorOptions& options, ServeLog& log,
             const std::vector<LogField>& fields)
      : worker_(worker), options_(options), log_(log), fields_(fields) {
    sigfillset(&signals_);
    for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT}) sigdelset(&signals_, signal);
    FALLOW_CHECK(sigprocmask(SIG_BLOCK, &signals_, &workers_signals_) == 0);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&workers_signals_, signal);
    block_library_signals();
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
        _exit(die_with_parent(supervisor_process) ? worker_.run(worker_.context, set_serving) : kExitFailed);
      }
      if (process_ < 0) {
        log_.write(LogLevel::Error, "no_worker",
                   fmt::format("cannot start a worker: clone: {}", std::strerror(errno)), fields_);
        if (!serving->load(std::memory_order_relaxed) || stopping_ > 0) return kExitFailed;
        wait_for(options_.wait_ms);
        continue;
      }
      if (stopping_ > 0) kill(process_, SIGTERM);
      const int status = wait_for_worker();
      if (status == 0) return kExitOk;
      if (!serving->load(std::memory_order_relaxed)) {
        // A worker that exited has already logged the reason.
        if (WIFSIGNALED(status)) log_death(describe_end(status));
        return kExitFailed;
      }
      if (const int verdict = decide_after(status); verdict != kExitOk) return verdict;
    }
  }

 private:
  // Waits for the worker to end and returns its status.
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
    if (signal != SIGTERM && signal != SIGINT) return;
    ++stopping_;
    if (process_ > 0) kill(process_, stopping_ > 1 ? SIGKILL : SIGTERM);
  }

  // Records a death and returns the number of deaths within the span.
  static std::size_t recent(std::vector<std::time_t>& deaths, unsigned span_s) {
    const auto at = now().tv_sec;
    std::erase_if(deaths, [&](std::time_t death) { return death + static_cast<std::time_t>(span_s) < at; });
    deaths.push_back(at);
    return deaths.size();
  }

  void log_death(const std::string& words) {
    log_.write(LogLevel::Error, "worker_died", "the worker " + words, fields_);
  }

  // Returns kExitOk to start the next worker, or the exit status with which the supervisor gives up.
  int decide_after(int status) {
    const std::string words = describe_end(status);
    if (stopping_ > 1 || (stopping_ == 1 && ++drain_deaths_ >= options_.drain_deaths)) {
      log_death(words + " before it had returned all requests; the guest may lose memory");
      return kExitFailed;
    }
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!killed && recent(crashes_, options_.crash_span_s) >= options_.crashes) {
      log_death(
          fmt::format("{}, as did {} before it; the guest is no longer served", words, options_.crashes - 1));
      return kExitQuarantined;
    }
    const bool often = killed && recent(deaths_, options_.span_s) > options_.deaths;
    log_death(words + (often ? "; it died often, so the restart is delayed" : "; restarting it"));
    if (often) {
      deaths_.erase(deaths_.begin());
      wait_for(options_.wait_ms);
    }
    return kExitOk;
  }

  // Ends early if the supervisor is told to stop, because guests may wait for requests of the dead worker.
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
  const std::vector<LogField> fields_;
  sigset_t signals_{};          // blocked, and waited for
  sigset_t workers_signals_{};  // blocked in workers
  pid_t process_ = -1;
  unsigned stopping_ = 0;  // number of stop signals received
  unsigned drain_deaths_ = 0;
  std::vector<std::time_t> deaths_, crashes_;  // times of the last ones, oldest first
};

}  // namespace

std::string describe_end(int status) {
  if (WIFEXITED(status)) return fmt::format("ended with status {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  std::string words = fmt::format("was killed by signal {} ({})", signal, strsignal(signal));
  if (signal == SIGSYS) words += ": it made a system call that the sandbox forbids";
  return words;
}

// A worker sets its mask through the C library, which unblocks these signals again.
void block_library_signals() noexcept {
  constexpr int kFirst = 32, kLast = 33;
  const std::uint64_t both = std::uint64_t{1} << (kFirst - 1) | std::uint64_t{1} << (kLast - 1);
  FALLOW_CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &both, nullptr, sizeof both) == 0);
}

int supervise(const supervisor::Worker& worker, const SupervisorOptions& options, ServeLog& log,
              const std::vector<LogField>& fields) {
  return Supervisor(worker, options, log, fields).run();
}

bool from_supervisor(const siginfo_t& info) noexcept { return info.si_pid == supervisor_process; }

bool die_with_parent(pid_t parent) noexcept {
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

}  // namespace fallow::cli
