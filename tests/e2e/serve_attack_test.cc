// One guest never costs another (docs/threat-model.md): whatever a front-end does, every other guest is
// answered within 50 ms, and the daemon ends when it is told to.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "tests/e2e/latency_oracle.h"
#include "tests/e2e/wait_until.h"
#include "tests/support/sanitized.h"

namespace fallow {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Request = vhost::Request;

class ServeAttack : public testing::Test {
 protected:
  void start(const std::vector<std::string>& options = {}) {
    daemon_ = std::make_unique<ServeProcess>(options);
    before_ = daemon_->memory();
    oracle_ = std::make_unique<LatencyOracle>(*daemon_);
  }
  // After the attack: nobody else noticed, and the daemon ends in time.
  void expect_unimpressed() {
    wait_until([&] { return oracle_->has_timed_enough(); });
    EXPECT_EQ(oracle_->verdict(), "");
    EXPECT_EQ(daemon_->events("control_died"), 0U) << daemon_->troubles();
    RecordProperty("slowest_report_us", static_cast<int>(1000 * oracle_->slowest_report()));
    RecordProperty("slowest_answer_us", static_cast<int>(1000 * oracle_->slowest_answer()));
    RecordProperty("machine_late_us", static_cast<int>(1000 * oracle_->machine()));
    const std::uint64_t guests = daemon_->guests().size(), memory = daemon_->memory();
    if (!kSanitized) {
      EXPECT_LE(memory, before_ + (8U << 20) + guests * (1U << 20)) << guests << " guests";
    }
    oracle_.reset();
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(daemon_->stop(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
  }
  pid_t worker_of(std::uint64_t guest) const {
    for (const auto& one : daemon_->guests()) {
      if (one["guest"] == guest) return one.value("worker", -1);
    }
    return -1;
  }
  std::size_t logged(const char* words) const {
    std::size_t count = 0;
    for (const auto& line : daemon_->log()) count += line.dump().find(words) != std::string::npos;
    return count;
  }

  std::unique_ptr<ServeProcess> daemon_;
  std::unique_ptr<LatencyOracle> oracle_;
  std::uint64_t before_ = 0;
};

TEST_F(ServeAttack, a_guest_that_ends_each_worker_it_meets_is_given_up_after_two) {
  start();
  std::vector<std::unique_ptr<VhostGuest>> good;
  for (int i = 0; i < 62; ++i) {  // and the one of the oracle: 63 that report on
    good.push_back(std::make_unique<VhostGuest>(daemon_->socket()));
    ASSERT_TRUE(good.back()->bind());
  }
  VhostGuest bad(daemon_->socket());
  ASSERT_TRUE(bad.bind());
  const std::uint64_t number = good.size() + 2;
  ASSERT_TRUE(wait_until([&] {
    const pid_t worker = worker_of(number);
    if (worker > 0) kill(worker, SIGSEGV);
    return daemon_->events("quarantined") == 1;
  }));
  EXPECT_EQ(daemon_->events("worker_died"), 2U);
  EXPECT_TRUE(bad.hung_up());
  for (const auto& guest : good) EXPECT_TRUE(guest->report(VhostGuest::kFree, 1 << 20, 4));
  EXPECT_EQ(daemon_->guests().size(), good.size() + 1);
  // All of them are this process's, which has to wait now.
  VhostGuest again(daemon_->socket());
  EXPECT_TRUE(again.hung_up());
  EXPECT_EQ(logged("it may come again in"), 1U);
  expect_unimpressed();
}

TEST_F(ServeAttack, worker_after_worker_is_killed) {
  start();
  VhostGuest other(daemon_->socket());
  ASSERT_TRUE(other.bind());
  for (std::size_t round = 1; round <= 5; ++round) {
    const pid_t worker = worker_of(2);
    ASSERT_GT(worker, 0);
    kill(worker, SIGKILL);
    ASSERT_TRUE(daemon_->wait_for_events("resumed", round));
    EXPECT_TRUE(other.report(VhostGuest::kFree, 1 << 20, 4)) << round;
  }
  expect_unimpressed();
}

TEST_F(ServeAttack, a_file_of_60_tib_without_anything_in_it) {
  start();
  VhostGuest guest(daemon_->socket());
  ASSERT_TRUE(guest.negotiate());
  constexpr std::uint64_t kHuge = std::uint64_t{60} << 40;
  const int file = VhostFrontEnd::memory();
  ASSERT_EQ(ftruncate(file, static_cast<off_t>(kHuge)), 0);
  const vhost::Region region{VhostGuest::kBase, kHuge, 0x1000, 0};
  for (int i = 0; i < 20; ++i)
    EXPECT_NE(guest.ack(Request::SetMemTable, bytes_of(vhost::MemTable{1, 0}, region), {dup(file)}), 0U);
  close(file);
  EXPECT_GE(logged("--max-guest-memory"), 1U);
  expect_unimpressed();
}

// As much as is allowed, without anything in it, time and again.
TEST_F(ServeAttack, large_memory_that_changes_all_the_time) {
  start({"--max-guest-memory", "1T"});
  VhostGuest guest(daemon_->socket());
  ASSERT_TRUE(guest.negotiate());
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 40;
  const int file = VhostFrontEnd::memory();
  ASSERT_EQ(ftruncate(file, static_cast<off_t>(kLarge)), 0);
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < seconds(1)) {
    const vhost::Region region{VhostGuest::kBase, kLarge, 0x1000, 0};
    EXPECT_EQ(guest.ack(Request::SetMemTable, bytes_of(vhost::MemTable{1, 0}, region), {dup(file)}), 0U);
  }
  close(file);
  expect_unimpressed();
}

// Closing it waits for as long as the other end likes.
TEST_F(ServeAttack, a_tcp_socket_that_lingers) {
  start();
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 64), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto lingering = [&] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const linger forever{.l_onoff = 1, .l_linger = 3600};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &forever, sizeof forever);
    const std::vector<char> text(1 << 16, 'x');
    while (send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    return fd;
  };
  std::vector<std::unique_ptr<VhostGuest>> guests;
  for (const auto request : {Request::SetVringKick, Request::SetVringCall, Request::SetVringErr}) {
    guests.push_back(std::make_unique<VhostGuest>(daemon_->socket()));
    ASSERT_TRUE(guests.back()->bind());
    // It stands still until this process has closed its own, so that the worker is the last to close them.
    const pid_t worker = worker_of(guests.size() + 1);
    ASSERT_GT(worker, 0);
    kill(worker, SIGSTOP);
    guests.back()->front.send(request, bytes_of(std::uint64_t{0}), {lingering()}, VhostGuest::kAck);
    // Too many, and not asked for.
    guests.back()->front.send(Request::GetFeatures, {}, {lingering(), lingering(), lingering()});
    kill(worker, SIGCONT);
  }
  std::this_thread::sleep_for(milliseconds(300));
  for (const auto& guest : guests) guest->front.hang_up();
  std::this_thread::sleep_for(milliseconds(300));
  expect_unimpressed();
  close(listener);
}

// A front-end whose write to its own memory file stops in the middle, and holds the file's lock: whoever
// makes a hole there waits in the kernel, and no signal ends that.
class HeldFile {
 public:
  // Where the kernel allows it. `file` stays the caller's.
  explicit HeldFile(int file) {
    uffd_ = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
    page_ = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uffdio_api api{.api = UFFD_API, .features = 0, .ioctls = 0};
    uffdio_register range{};
    range.range = {reinterpret_cast<std::uint64_t>(page_), 4096};
    range.mode = UFFDIO_REGISTER_MODE_MISSING;
    if (uffd_ < 0 || ioctl(uffd_, UFFDIO_API, &api) != 0 || ioctl(uffd_, UFFDIO_REGISTER, &range) != 0)
      return;
    writing_ = std::thread([this, file] { static_cast<void>(!pwrite(file, page_, 4096, 0)); });
    holds_ = wait_until([&] {
      uffd_msg message{};
      pollfd ready{uffd_, POLLIN, 0};
      return poll(&ready, 1, 10) == 1 && read(uffd_, &message, sizeof message) > 0;
    });
  }
  ~HeldFile() {
    release();
    munmap(page_, 4096);
    if (uffd_ >= 0) close(uffd_);
  }
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;

  bool holds() const { return holds_; }
  void release() {
    if (!writing_.joinable()) return;
    uffdio_zeropage zero{};
    zero.range = {reinterpret_cast<std::uint64_t>(page_), 4096};
    ioctl(uffd_, UFFDIO_ZEROPAGE, &zero);
    writing_.join();
  }

 private:
  int uffd_ = -1;
  void* page_ = nullptr;
  std::thread writing_;
  bool holds_ = false;
};

TEST_F(ServeAttack, a_discard_that_never_returns) {
  start();
  VhostGuest guest(daemon_->socket());
  ASSERT_TRUE(guest.bind());
  HeldFile held(guest.file());
  if (!held.holds()) GTEST_SKIP() << "needs userfaultfd for faults of the kernel";
  const detail::QueueBuffer range = VhostGuest::range(VhostGuest::kFree, 1 << 20);
  guest.add(VhostGuest::kReporting, {&range, 1});
  std::this_thread::sleep_for(milliseconds(100));
  // Its worker's session still answers; killed, the worker does not go.
  const pid_t worker = worker_of(2);
  ASSERT_GT(worker, 0);
  kill(worker, SIGKILL);
  EXPECT_TRUE(wait_until([&] {
    for (const auto& one : daemon_->guests()) {
      if (one["guest"] == 2 && one.value("stuck", false)) return true;
    }
    return false;
  })) << daemon_->guests().dump(1);
  // Whoever comes next is served.
  VhostGuest next(daemon_->socket());
  EXPECT_TRUE(next.bind() && next.report(VhostGuest::kFree, 1 << 20));
  expect_unimpressed();
  held.release();
}

TEST_F(ServeAttack, a_front_end_that_is_gone_while_its_discard_does_not_return) {
  start();
  auto guest = std::make_unique<VhostGuest>(daemon_->socket());
  ASSERT_TRUE(guest->bind());
  HeldFile held(guest->file());
  if (!held.holds()) GTEST_SKIP() << "needs userfaultfd for faults of the kernel";
  const detail::QueueBuffer range = VhostGuest::range(VhostGuest::kFree, 1 << 20);
  guest->add(VhostGuest::kReporting, {&range, 1});
  std::this_thread::sleep_for(milliseconds(50));
  guest->front.hang_up();
  std::this_thread::sleep_for(milliseconds(200));
  expect_unimpressed();
  held.release();
}

// The last one to close a file waits until its memory is free.
TEST_F(ServeAttack, a_large_guest_goes) {
  start();
  for (int i = 0; i < 2; ++i) {
    VhostGuestOptions options;
    options.memory = std::uint64_t{1} << 30;
    VhostGuest guest(daemon_->socket(), options);
    ASSERT_TRUE(guest.bind());
    ASSERT_EQ(posix_fallocate(guest.file(), VhostGuest::kInFile, static_cast<off_t>(options.memory)), 0);
  }
  std::this_thread::sleep_for(milliseconds(200));
  expect_unimpressed();
}

class Attacker {
 public:
  // Runs in a process of its own, as another front-end would.
  template <class Deed>
  explicit Attacker(Deed deed) : process_(fork()) {
    if (process_ == 0) {
      deed();
      for (;;) pause();
    }
  }
  ~Attacker() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

 private:
  const pid_t process_;
};

TEST_F(ServeAttack, connections_that_say_nothing) {
  start();
  const std::string path = daemon_->socket();
  const Attacker attacker([&] {
    for (int i = 0; i < 400; ++i) static_cast<void>(connect_to(path));
  });
  EXPECT_TRUE(wait_until([&] { return daemon_->events("turned_away") >= 200; }));
  EXPECT_LE(daemon_->events("turned_away"), 250U) << "each is a line of the log";
  for (int i = 0; i < 10; ++i) {
    VhostGuest guest(daemon_->socket());
    EXPECT_TRUE(guest.bind() && guest.report(VhostGuest::kFree, 1 << 20)) << i;
  }
  EXPECT_LE(daemon_->guests().size(), 80U);
  expect_unimpressed();
}

TEST_F(ServeAttack, connections_that_shake_hands_and_stay) {
  start();
  const std::string path = daemon_->socket();
  const Attacker attacker([&] {
    std::vector<std::unique_ptr<VhostGuest>> all;
    for (int i = 0; i < 100; ++i) {
      all.push_back(std::make_unique<VhostGuest>(path));
      static_cast<void>(all.back()->negotiate());
    }
    for (;;) pause();
  });
  EXPECT_TRUE(wait_until([&] { return daemon_->events("turned_away") >= 36; })) << daemon_->guests().size();
  VhostGuest guest(daemon_->socket());
  EXPECT_TRUE(guest.bind() && guest.report(VhostGuest::kFree, 1 << 20));
  EXPECT_LE(daemon_->guests().size(), 66U);
  expect_unimpressed();
}

TEST_F(ServeAttack, messages_that_are_refused_as_fast_as_they_come) {
  start();
  VhostGuest guest(daemon_->socket());
  ASSERT_TRUE(guest.bind());
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < seconds(1))
    EXPECT_NE(guest.ack(Request::SetVringNum, bytes_of(vhost::VringState{99, 3})), 0U);
  EXPECT_GE(logged("\"refused\""), 100U);
  EXPECT_LE(std::filesystem::file_size(daemon_->log_path()), 200'000U);
  EXPECT_TRUE(guest.report(VhostGuest::kFree, 1 << 20));
  expect_unimpressed();
}

TEST_F(ServeAttack, the_control_socket_is_not_the_groups) {
  start({"--socket-mode", "666"});
  struct stat at {};
  ASSERT_EQ(stat((daemon_->socket() + ".ctl").c_str(), &at), 0);
  EXPECT_EQ(at.st_mode & 0777, 0600U);
  expect_unimpressed();
}

TEST_F(ServeAttack, who_may_look_may_not_steer) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  start({"--control-mode", "666"});
  std::filesystem::permissions(std::filesystem::path(daemon_->socket()).parent_path(),
                               std::filesystem::perms(0755));
  const pid_t child = fork();
  if (child == 0) {
    const bool nobody = setgid(65534) == 0 && setuid(65534) == 0;
    const bool looks = daemon_->ask({{"command", "list"}}).value("ok", false);
    const auto steered = daemon_->ask({{"command", "target"}, {"guest", 1}, {"size", 1 << 20}});
    const bool refused = steered.value("error", "") == "only root and the daemon's user may control guests";
    _exit(nobody && looks && refused ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(daemon_->troubles(), "");
  EXPECT_EQ(daemon_->figure("target_bytes"), 0U);
  expect_unimpressed();
}

TEST(ServeSocket, two_daemons_at_once_are_one_too_many) {
  for (int round = 0; round < 20; ++round) {
    const ScratchFolder folder;
    const std::string path = folder.path("socket");
    pid_t daemons[2];
    for (pid_t& daemon : daemons) {
      daemon = fork();
      if (daemon != 0) continue;
      const int silence = open("/dev/null", O_WRONLY);
      dup2(silence, STDERR_FILENO);
      execl(FALLOW_PROGRAM, "fallow", "serve", "--socket", path.c_str(), "--no-sandbox", nullptr);
      _exit(127);
    }
    int status = -1;
    const pid_t first = waitpid(-1, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << round;
    for (const pid_t daemon : daemons) {
      if (daemon == first) continue;
      EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(path + ".ctl"); }));
      EXPECT_EQ(waitpid(daemon, nullptr, WNOHANG), 0) << "both gave up";
      kill(daemon, SIGTERM);
      EXPECT_EQ(waitpid(daemon, &status, 0), daemon);
      EXPECT_EQ(status, 0);
    }
  }
}

}  // namespace
}  // namespace fallow
