#include "cli/serve/serve_sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/sanitized.h"

namespace fallow::cli {
namespace {

constexpr int kNoSandbox = 77;

using Sandbox = std::string (*)();

// Returns the wait status of a process that enters a sandbox and then runs `deed`.
template <class Deed>
int ended(Deed deed, Sandbox enter = enter_guest_sandbox) {
  const pid_t child = fork();
  if (child == 0) {
    if (!enter().empty()) _exit(kNoSandbox);
    deed();
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

template <class Deed>
bool forbidden(Deed deed, Sandbox enter = enter_guest_sandbox) {
  const int status = ended(deed, enter);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

template <class Deed>
bool allowed(Deed deed, Sandbox enter = enter_guest_sandbox) {
  const int status = ended(deed, enter);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void expect(bool condition) {
  if (!condition) _exit(1);
}

class ServeSandbox : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "sanitizers make system calls that the sandbox forbids";
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0);
  }
  void TearDown() override {
    for (const int end : ends_) close(end);
  }

  int ends_[2] = {-1, -1};
};

TEST_F(ServeSandbox, what_an_intruder_would_do_is_forbidden) {
  EXPECT_TRUE(forbidden([] { static_cast<void>(open("/etc/passwd", O_RDONLY)); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(!::system("true")); }));
  EXPECT_TRUE(forbidden([] { execl("/bin/true", "true", nullptr); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(fork()); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(socket(AF_INET, SOCK_STREAM, 0)); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(socket(AF_INET6, SOCK_STREAM, 0)); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(socket(AF_NETLINK, SOCK_RAW, 0)); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(socket(AF_UNIX, SOCK_STREAM, 0)); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(bind(-1, nullptr, 0)); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(unlink("/nowhere")); }));
  EXPECT_TRUE(forbidden([] { kill(getppid(), SIGTERM); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(setuid(0)); }));
  EXPECT_TRUE(forbidden([] { static_cast<void>(prctl(PR_SET_DUMPABLE, 1)); }));
  EXPECT_TRUE(forbidden([] {
    static_cast<void>(mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }));
}

// This also holds for a socket that existed before, which a front-end may have passed.
TEST_F(ServeSandbox, nothing_goes_out_over_a_socket_that_is_not_connected) {
  const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_TRUE(tcp >= 0 && udp >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const to = reinterpret_cast<const sockaddr*>(&address);
  for (const Sandbox enter : {enter_guest_sandbox, enter_control_sandbox}) {
    EXPECT_TRUE(forbidden([&] { sendto(tcp, "x", 1, MSG_FASTOPEN, to, sizeof address); }, enter));
    EXPECT_TRUE(forbidden([&] { sendto(udp, "x", 1, 0, to, sizeof address); }, enter));
    EXPECT_TRUE(forbidden([&] { static_cast<void>(connect(tcp, to, sizeof address)); }, enter));
    EXPECT_TRUE(forbidden([&] { sendto(tcp, "x", 1, MSG_FASTOPEN, nullptr, 0); }, enter));
  }
  EXPECT_TRUE(forbidden([&] {
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    sendmsg(udp, &message, 0);
  }));
  EXPECT_TRUE(forbidden([&] { static_cast<void>(accept4(tcp, nullptr, nullptr, 0)); }));
  close(tcp);
  close(udp);
}

TEST_F(ServeSandbox, the_control_process_can_do_nothing_to_files_and_memory_of_guests) {
  const int file = memfd_create("log", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  EXPECT_TRUE(forbidden([&] { static_cast<void>(!ftruncate(file, 0)); }, enter_control_sandbox));
  EXPECT_TRUE(forbidden([&] { fallocate(file, 0, 0, 4096); }, enter_control_sandbox));
  EXPECT_TRUE(forbidden([] { static_cast<void>(open("/etc/passwd", O_RDONLY)); }, enter_control_sandbox));
  EXPECT_TRUE(forbidden([] { static_cast<void>(fork()); }, enter_control_sandbox));
  EXPECT_TRUE(forbidden([] { kill(getppid(), SIGTERM); }, enter_control_sandbox));
  close(file);
}

TEST_F(ServeSandbox, what_a_connected_socket_is_for_is_allowed) {
  for (const Sandbox enter : {enter_guest_sandbox, enter_control_sandbox}) {
    EXPECT_TRUE(allowed(
        [&] {
          char byte = 0;
          expect(send(ends_[0], "x", 1, MSG_NOSIGNAL) == 1 && read(ends_[1], &byte, 1) == 1 && byte == 'x');
        },
        enter));
  }
}

TEST_F(ServeSandbox, memory_does_not_become_code) {
  EXPECT_TRUE(forbidden([] {
    void* const page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
  }));
}

TEST_F(ServeSandbox, what_serving_needs_is_allowed) {
  EXPECT_TRUE(allowed([] {
    const int file = memfd_create("guest", MFD_CLOEXEC);
    expect(file >= 0 && ftruncate(file, 1 << 20) == 0);
    expect(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20) == 0);
    void* const memory = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    expect(memory != MAP_FAILED);
    unsigned char resident[256];
    expect(mincore(memory, 1 << 20, resident) == 0 && munmap(memory, 1 << 20) == 0);
    expect(close(file) == 0);
  }));
  EXPECT_TRUE(allowed([] {
    std::atomic<int> ran{0};
    std::thread first([&ran] { ++ran; }),
        second([&ran] { ran += static_cast<int>(std::string(99999, 'x').size()); });
    first.join();
    second.join();
    expect(ran == 100000);
  }));
}

// When a thread returns memory, the C library would otherwise read the overcommit policy from a file.
TEST_F(ServeSandbox, threads_may_use_much_memory_and_give_it_back) {
  EXPECT_TRUE(allowed([] {
    std::thread([] {
      for (int round = 0; round < 3; ++round) {
        std::vector<std::string> pieces;
        for (int i = 0; i < 100'000; ++i) pieces.emplace_back(1000, 'x');
      }
    }).join();
  }));
}

TEST_F(ServeSandbox, a_failed_check_is_told_from_a_forbidden_call) {
  const int status = ended([] { std::abort(); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST_F(ServeSandbox, threads_that_run_already_are_in_it_too) {
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<bool> in{false};
    std::thread other([&in] {
      while (!in) std::this_thread::yield();
      static_cast<void>(open("/etc/passwd", O_RDONLY));
      _exit(0);
    });
    if (!enter_guest_sandbox().empty()) _exit(kNoSandbox);
    in = true;
    other.join();
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

// Read from /proc by the parent, because the sandboxed process cannot read it.
TEST_F(ServeSandbox, there_are_no_new_privileges) {
  int inside[2], done[2];
  ASSERT_EQ(pipe(inside), 0);
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  char byte = 0;
  if (child == 0) {
    if (!enter_guest_sandbox().empty()) _exit(kNoSandbox);
    expect(write(inside[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1);
    _exit(0);
  }
  EXPECT_EQ(read(inside[0], &byte, 1), 1);
  std::ifstream status_file("/proc/" + std::to_string(child) + "/status");
  const std::string status((std::istreambuf_iterator<char>(status_file)), {});
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
  EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos) << status;
  EXPECT_EQ(write(done[1], &byte, 1), 1);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  for (const int file : {inside[0], inside[1], done[0], done[1]}) close(file);
}

}  // namespace
}  // namespace fallow::cli
