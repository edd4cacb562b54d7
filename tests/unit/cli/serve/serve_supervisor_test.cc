#include "cli/serve/daemon/serve_supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <thread>

#include "cli/term/exit_status.h"
#include "tests/support/sanitized.h"

namespace fallow::cli {
namespace {

using std::chrono::milliseconds;

// Memory that the workers and the test share.
struct Board {
  std::atomic<int> workers{0};  // number of workers started
  std::atomic<int> process{0};  // process ID of the last worker
  std::atomic<int> file{-1};    // a descriptor that a worker opened
};

void wait_for_sigterm() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigwaitinfo(&signals, nullptr);
}

class ServeSupervisor : public testing::Test {
 protected:
  using Job = std::function<int(int round)>;

  ServeSupervisor() {
    void* const memory =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    board_ = new (memory) Board;
    options_.wait_ms = 200;
  }
  ~ServeSupervisor() override {
    if (supervisor_ > 0) {
      kill(supervisor_, SIGKILL);
      waitpid(supervisor_, nullptr, 0);
    }
    munmap(board_, sizeof *board_);
  }

  // Each worker runs `job` with its number, which counts from 1. With `serves`, it reports that it serves
  // first.
  void start(Job job, bool serves = true) {
    job_ = std::move(job);
    serves_ = serves;
    supervisor_ = fork();
    if (supervisor_ != 0) return;
    ServeLog log(STDERR_FILENO, LogFormat::Text, LogLevel::Error);
    _exit(supervise({run, this}, options_, log));
  }

  // Returns the supervisor's exit status, or -1 if a signal ended it.
  int wait() {
    int status = 0;
    EXPECT_EQ(waitpid(supervisor_, &status, 0), supervisor_);
    supervisor_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void wait_for_worker(int number) const {
    for (int i = 0; i < 1000 && board_->workers < number; ++i) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_EQ(board_->workers, number);
  }

  Board* board_ = nullptr;
  SupervisorOptions options_;
  pid_t supervisor_ = -1;

 private:
  static int run(void* test, void (*started)()) noexcept {
    auto& self = *static_cast<ServeSupervisor*>(test);
    if (self.serves_) started();
    self.board_->process = getpid();
    return self.job_(++self.board_->workers);
  }

  Job job_;
  bool serves_ = true;
};

TEST_F(ServeSupervisor, passes_sigterm_on_and_ends_with_its_worker) {
  for (const int signal : {SIGTERM, SIGINT}) {
    board_->workers = 0;
    start([](int) {
      wait_for_sigterm();
      return 0;
    });
    wait_for_worker(1);
    kill(supervisor_, signal);
    EXPECT_EQ(wait(), 0);
    EXPECT_EQ(board_->workers, 1);
  }
}

TEST_F(ServeSupervisor, starts_another_worker_however_the_last_one_died) {
  options_.crashes = 3;
  start([](int round) {
    if (round == 1) raise(SIGKILL);
    if (round == 2) std::abort();
    return round == 3 ? 1 : 0;
  });
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 4);
}

TEST_F(ServeSupervisor, two_workers_that_died_of_what_they_did_are_enough) {
  for (const int how : {SIGABRT, SIGSEGV, SIGSYS, 0}) {
    board_->workers = 0;
    start([how](int) {
      if (how != 0) {
        signal(how, SIG_DFL);
        raise(how);
      }
      return 1;
    });
    EXPECT_EQ(wait(), kExitQuarantined) << how;
    EXPECT_EQ(board_->workers, 2);
  }
}

TEST_F(ServeSupervisor, crashes_a_long_time_apart_are_forgiven) {
  options_.crash_span_s = 0;
  start([](int round) {
    std::this_thread::sleep_for(milliseconds(1100));  // the span is in whole seconds
    return round < 4 ? 1 : 0;
  });
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 4);
}

// SIGKILL comes from an administrator or from the kernel when memory is short, not from the guest.
TEST_F(ServeSupervisor, workers_that_were_killed_are_always_replaced) {
  options_.wait_ms = 1;
  start([](int round) {
    if (round < 20) raise(SIGKILL);
    return 0;
  });
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 20);
}

TEST_F(ServeSupervisor, what_a_worker_opened_outlives_it) {
  start([this](int round) {
    char text[6] = {};
    if (round == 1) {
      std::thread([this] { board_->file = memfd_create("left behind", MFD_CLOEXEC); }).join();
      if (write(board_->file, "hello", 5) != 5) _exit(0);
      raise(SIGKILL);
    }
    return pread(board_->file, text, 5, 0) == 5 && std::string(text) == "hello" ? 0 : 1;
  });
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 2);
}

TEST_F(ServeSupervisor, workers_have_memory_of_their_own) {
  int counter = 0;
  start([&counter](int round) {
    ++counter;
    if (round == 1) raise(SIGKILL);
    return counter == 1 ? 0 : 1;
  });
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 2);
}

TEST_F(ServeSupervisor, a_first_worker_that_cannot_start_is_not_started_again) {
  start([](int) { return 1; }, false);
  EXPECT_EQ(wait(), 1);
  EXPECT_EQ(board_->workers, 1);
}

TEST_F(ServeSupervisor, waits_between_deaths_that_come_often) {
  options_.deaths = 3;
  const auto begin = std::chrono::steady_clock::now();
  start([](int round) {
    if (round < 6) raise(SIGKILL);
    return 0;
  });
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 6);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 2 * milliseconds(options_.wait_ms));
}

TEST_F(ServeSupervisor, while_it_waits_it_can_be_stopped) {
  options_.deaths = 1;
  options_.wait_ms = 60'000;
  start([](int round) {
    if (round < 3) raise(SIGKILL);
    wait_for_sigterm();
    return 0;
  });
  wait_for_worker(2);
  std::this_thread::sleep_for(milliseconds(50));
  kill(supervisor_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 3);
}

TEST_F(ServeSupervisor, a_worker_that_dies_while_it_stops_is_finished_by_the_next) {
  start([](int round) {
    wait_for_sigterm();
    if (round == 1) raise(SIGKILL);
    return 0;
  });
  wait_for_worker(1);
  kill(supervisor_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 2);
}

TEST_F(ServeSupervisor, gives_up_on_workers_that_never_stop_in_order) {
  options_.drain_deaths = 2;
  start([](int) {
    wait_for_sigterm();
    return 1;
  });
  wait_for_worker(1);
  kill(supervisor_, SIGTERM);
  EXPECT_EQ(wait(), 1);
  EXPECT_EQ(board_->workers, 2);
}

TEST_F(ServeSupervisor, a_second_signal_kills) {
  start([](int) {
    while (true) pause();
    return 0;
  });
  wait_for_worker(1);
  kill(supervisor_, SIGTERM);
  std::this_thread::sleep_for(milliseconds(50));
  kill(supervisor_, SIGTERM);
  EXPECT_EQ(wait(), 1);
}

TEST_F(ServeSupervisor, a_worker_dies_with_it) {
  start([](int) {
    while (true) pause();
    return 0;
  });
  wait_for_worker(1);
  const int worker = board_->process;
  kill(supervisor_, SIGKILL);
  EXPECT_EQ(wait(), -1);
  // The worker is dead whether or not its new parent has reaped it.
  bool gone = false;
  for (int i = 0; i < 400 && !gone; ++i) {
    std::this_thread::sleep_for(milliseconds(5));
    std::string state;
    if (FILE* const file = std::fopen(("/proc/" + std::to_string(worker) + "/stat").c_str(), "r")) {
      char text[256] = {};
      static_cast<void>(!std::fgets(text, sizeof text, file));
      std::fclose(file);
      state = text;
    }
    gone = state.empty() || state.find(") Z ") != std::string::npos;
  }
  EXPECT_TRUE(gone);
}

TEST_F(ServeSupervisor, survives_every_signal_that_does_not_tell_it_to_end) {
  start([](int) {
    wait_for_sigterm();
    return 0;
  });
  wait_for_worker(1);
  const int worker = board_->process;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    const bool job_control = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
    if (signal == SIGKILL || signal == SIGTERM || signal == SIGINT || job_control) continue;
    // ThreadSanitizer starts a thread in each process, which receives the two signals of the C library.
    if (kSanitized && signal >= 32 && signal < SIGRTMIN) continue;
    kill(supervisor_, signal);
  }
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(waitpid(supervisor_, nullptr, WNOHANG), 0) << "the supervisor ended";
  EXPECT_EQ(board_->process, worker);
  kill(supervisor_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 1);
}

TEST_F(ServeSupervisor, workers_have_the_signals_that_the_command_had) {
  start([](int) {
    sigset_t now;
    sigprocmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, SIGUSR1) == 0 && sigismember(&now, SIGTERM) == 1 ? 0 : 1;
  });
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(board_->workers, 1);
}

}  // namespace
}  // namespace fallow::cli
