// A process that serves a front-end dies at any point; another process takes over, and the front-end cannot
// tell.
//
// The process shares memory (the state) and descriptors (CLONE_FILES) with this one, as a worker does with
// its supervisor. The test stops it before and after each system call, and at instructions in between, and
// kills it there.
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/unit/vhost_user/rig.h"
#include "vhost_user/session/connection.h"

namespace fallow::vhost {
namespace {

using Request = Request;

// A state in shared memory, with a supervisor's operations on it.
class VhostCrash : public testing::Test {
 protected:
  VhostCrash() {
    void* const at = mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FALLOW_CHECK(at != MAP_FAILED);
    state_ = static_cast<State*>(at);
  }
  ~VhostCrash() override { munmap(state_, sizeof *state_); }

  enum class Stop { SystemCall, Instruction };

  // Serves in a separate process until that process stops for the `stops`th time. False: the work was
  // complete before.
  static bool die_at(State& state, VhostDevice& device, Stop kind, int stops) {
    const auto child =
        static_cast<pid_t>(syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (child == 0) {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
      static_cast<void>(kill(static_cast<pid_t>(syscall(SYS_getpid)), SIGSTOP));
      Session session{state, device};
      while (session.step() == SessionOutcome::Done) {
      }
      _exit(0);
    }
    FALLOW_CHECK(child > 0);
    int status = 0;
    FALLOW_CHECK(waitpid(child, &status, 0) == child);
    for (int i = 0; i < stops && WIFSTOPPED(status); ++i) {
      ptrace(kind == Stop::SystemCall ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, child, nullptr, nullptr);
      waitpid(child, &status, 0);
    }
    if (!WIFSTOPPED(status)) return false;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return true;
  }

  // Closes the descriptors that no state names, as a supervisor does, and returns their number.
  static int sweep(const State& state, const std::vector<int>& others) {
    int swept = 0;
    for (int fd = 0; fd < 256; ++fd) {
      bool named = std::find(others.begin(), others.end(), fd) != others.end();
      for_each_descriptor(state, [&](int known) { named = named || known == fd; });
      if (!named && fcntl(fd, F_GETFD) >= 0) swept += close(fd) == 0;
    }
    return swept;
  }
  static std::vector<int> open_now() {
    std::vector<int> fds;
    for (int fd = 0; fd < 256; ++fd) {
      if (fcntl(fd, F_GETFD) >= 0) fds.push_back(fd);
    }
    return fds;
  }

  // Sends the message under test to a session that has memory and a running ring. Returns whether the process
  // got as far as the stop.
  bool once(Stop kind, int stops, Request request, const Bytes& payload, bool with_fd, bool own_reply) {
    const std::vector<int> before = open_now();
    bool died = false;
    {
      VhostFrontEnd front;
      begin_connection(*state_, front.take_other());
      VhostDevice device;
      Session session{*state_, device};
      set_up(front, session);

      const auto others = [&] {
        std::vector<int> fds = before;
        fds.push_back(front.socket());
        return fds;
      };
      const bool memory = request == Request::SetMemTable || request == Request::AddMemReg;
      std::vector<int> fds;
      if (with_fd) fds.push_back(memory ? VhostFrontEnd::memory() : VhostFrontEnd::event());
      EXPECT_TRUE(front.send(request, payload, std::move(fds), kVhostVersion | kVhostNeedReply));
      died = die_at(*state_, device, kind, stops);
      Connection{*state_}.recover();
      sweep(*state_, others());

      VhostDevice fresh;
      Session next{*state_, fresh};
      EXPECT_EQ(next.resume(), Status::Ok);
      SessionOutcome outcome = SessionOutcome::Done;
      while ((outcome = next.step()) == SessionOutcome::Done) {
      }
      EXPECT_EQ(outcome, SessionOutcome::Idle) << next.error_text().text();
      fresh.check_descriptors();

      const auto reply = front.reply();
      EXPECT_TRUE(reply) << "the reply came";
      if (reply && reply->fd >= 0) close(reply->fd);
      EXPECT_TRUE(!reply || own_reply || reply->u64() == 0);
      EXPECT_FALSE(front.reply()) << "once";
      check(request, next.settings());
      EXPECT_EQ(sweep(*state_, others()), 0) << "nothing was left open";
      EXPECT_EQ(next.close(), Status::Ok);
    }
    EXPECT_EQ(open_now(), before);
    return died;
  }

  static void set_up(VhostFrontEnd& front, Session& session) {
    const auto say = [&](Request request, const Bytes& payload, std::vector<int> fds = {}) {
      EXPECT_TRUE(front.send(request, payload, std::move(fds)));
      EXPECT_EQ(session.step(), SessionOutcome::Done) << session.error_text().text();
    };
    say(Request::SetProtocolFeatures, bytes_of(kServedProtocolFeatures));
    say(Request::SetFeatures, bytes_of(kFeatureVersion1 | kVhostFProtocolFeatures));
    say(Request::SetMemTable, bytes_of(MemTable{1, 0}, Region{0, 0x100000, 0, 0}), {VhostFrontEnd::memory()});
    say(Request::SetVringNum, bytes_of(VringState{0, 256}));
    say(Request::SetVringAddr, bytes_of(VringAddr{0, 0, 0, 0x2000, 0x1000, 0}));
    say(Request::SetVringKick, bytes_of(std::uint64_t{0}), {VhostFrontEnd::event()});
  }

  static void check(Request request, const Settings& now) {
    EXPECT_EQ(now.region_count, request == Request::AddMemReg ? 2U : 1U);
    EXPECT_EQ(now.regions[0].at.guest_address, request == Request::SetMemTable ? 0x1000U : 0U);
    EXPECT_EQ(now.vrings[0].started, request != Request::GetVringBase);
    EXPECT_EQ(now.vrings[0].call >= 0, request == Request::SetVringCall);
    EXPECT_EQ(now.inflight.fd >= 0, request == Request::GetInflightFd);
  }

  // Some containers forbid ptrace, and ThreadSanitizer adds a thread to each process.
  static bool may_trace() {
#ifdef __SANITIZE_THREAD__
    return false;
#endif
    const pid_t child = fork();
    if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  void everywhere(Request request, const Bytes& payload, bool with_fd, bool own_reply = false) {
    if (!may_trace()) GTEST_SKIP() << "ptrace is not permitted here";
    int calls = 0;
    while (once(Stop::SystemCall, calls + 1, request, payload, with_fd, own_reply)) {
      ASSERT_FALSE(HasFailure()) << "killed at stop " << calls + 1;
      ++calls;
    }
    EXPECT_GT(calls, 8) << "receiving the header and the payload, finding no more, and replying";
    // Each run must single-step to its stop, so the step width grows; sanitizers add too many instructions
    // otherwise.
    for (int at = 1; at < 20'000 && once(Stop::Instruction, at, request, payload, with_fd, own_reply);
         at += 1 + at / 3) {
      ASSERT_FALSE(HasFailure()) << "killed at instruction " << at;
    }
  }

  State* state_ = nullptr;
};

TEST_F(VhostCrash, AnywhereInAMemoryTable) {
  everywhere(Request::SetMemTable, bytes_of(MemTable{1, 0}, Region{0x1000, 0x100000, 0, 0}), true);
}
TEST_F(VhostCrash, AnywhereInAnAddedRegion) {
  everywhere(Request::AddMemReg, bytes_of(MemReg{0, {1 << 30, 0x1000, 1 << 30, 0}}), true);
}
TEST_F(VhostCrash, AnywhereInAReplacedDescriptor) {
  everywhere(Request::SetVringKick, bytes_of(std::uint64_t{0}), true);
}
TEST_F(VhostCrash, AnywhereInADescriptor) {
  everywhere(Request::SetVringCall, bytes_of(std::uint64_t{0}), true);
}
TEST_F(VhostCrash, AnywhereInTheStopOfARing) {
  everywhere(Request::GetVringBase, bytes_of(VringState{0, 0}), false, true);
}
TEST_F(VhostCrash, AnywhereInAReplyWithADescriptor) {
  everywhere(Request::GetInflightFd, bytes_of(InflightDescription{0, 0, 1, 256}), false, true);
}

// Copies of a state that is received byte by byte.
TEST_F(VhostCrash, BetweenAnyTwoBytes) {
  const auto message =
      VhostFrontEnd::message(static_cast<std::uint32_t>(Request::SetMemTable),
                             bytes_of(MemTable{1, 0}, Region{0x1000, 0x100000, 0, 0}), kVhostVersion);
  VhostFrontEnd front;
  auto now = std::make_unique<State>();
  begin_connection(*now, front.take_other());
  for (std::size_t i = 0; i < message.size(); ++i) {
    VhostDevice device;
    EXPECT_EQ((Session{*now, device}.step()), SessionOutcome::Idle);
    now = std::make_unique<State>(*now);
    ASSERT_TRUE(front.send_bytes(std::span(message).subspan(i, 1),
                                 i == 0 ? std::vector<int>{VhostFrontEnd::memory()} : std::vector<int>{}));
  }
  VhostDevice device;
  Session session{*now, device};
  EXPECT_EQ(session.step(), SessionOutcome::Done) << session.error_text().text();
  EXPECT_EQ(device.memory.size(), 1U);
  EXPECT_EQ(session.close(), Status::Ok);
}

}  // namespace
}  // namespace fallow::vhost
