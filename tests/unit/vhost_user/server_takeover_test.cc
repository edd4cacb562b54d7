// The serving process dies at any moment; another process takes over, and guests cannot tell, except that
// some requests released nothing.
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <random>

#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/vhost_server.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint64_t kFree = VhostGuest::kFree;
constexpr std::uint16_t kReporting = VhostGuest::kReporting, kStats = VhostGuest::kStats;

class ServerTakeover : public VhostServerRig {};

TEST_F(ServerTakeover, AnIdleGuestGoesOn) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  ASSERT_TRUE(guest.report(kFree, kMib, 4));
  EXPECT_EQ(box.ask([](Server& s) { return s.set_target(0, {77}); }), Status::Ok);
  ASSERT_TRUE(guest.told_of_config());
  EXPECT_EQ(guest.write_config(kBalloonActual, 76), 0U);
  EXPECT_EQ(box.ask([](Server& s) { return s.pause(0, true); }), Status::Ok);
  guest.give_statistics(4, 5);
  EXPECT_TRUE(eventually([&] { return box.guest().statistics.updates == 1; }));
  for (std::uint32_t death = 1; death <= 3; ++death) {
    box.die();
    box.start();
    EXPECT_TRUE(box.events.wait_for("resumed", death)) << box.events.all();
    ASSERT_TRUE(guest.take(kStats)) << "what was kept comes back";
    EXPECT_FALSE(guest.take(kStats, 0)) << "once";
    guest.give_statistics(4, 5);
    EXPECT_EQ(guest.config(kBalloonNumPages), 77U);
    EXPECT_EQ(guest.config(kBalloonActual), 76U);
    ASSERT_TRUE(guest.report(kFree, kMib, 4));
    EXPECT_TRUE(eventually([&] { return box.guest().statistics.updates == 1; }));
    const GuestSnapshot seen = box.guest();
    EXPECT_EQ(seen.restarts, death);
    EXPECT_EQ(seen.device.paused, 1U);
    EXPECT_EQ(seen.number, 1U);
  }
  EXPECT_EQ(guest.stop_ring(kReporting), 4U);
}

// A Server in a process that shares records and descriptors with this one, as a worker does with its
// supervisor.
class ServerKilled : public testing::TestWithParam<Features> {
 protected:
  ~ServerKilled() override {
    kill_worker();
    munmap(serves_, sizeof *serves_);
  }
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer does not know of processes without a C library's fork()";
#endif
  }

  // Returns once the process serves: it closes unnamed descriptors first, which could include those that this
  // end opens too early.
  void spawn(bool wait = true) {
    serves_->store(false, std::memory_order_relaxed);
    std::vector<int> keep = before_;
    for (const auto& guest : guests) {
      for (const int fd : guest->descriptors()) keep.push_back(fd);
    }
    std::erase(keep, -1);
    keep.insert(keep.end(), extra.begin(), extra.end());
    worker_ =
        static_cast<pid_t>(syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    FALLOW_CHECK(worker_ >= 0);
    if (worker_ != 0) {
      FALLOW_CHECK(!wait || eventually([this] { return serves_->load(std::memory_order_acquire); }));
      return;
    }
    auto server = Server::create(box.options, box.records->guests, box.events, keep);
    if (!server) _exit(3);
    serves_->store(true, std::memory_order_release);
    const std::string error = server.object->run();
    _exit(error.empty() ? 0 : 4);
  }
  void kill_worker() {
    if (worker_ <= 0) return;
    kill(worker_, SIGKILL);
    int status = 0;
    waitpid(worker_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it ended by itself: " << status;
    worker_ = -1;
  }
  bool all_gone() {
    return eventually([&] {
      return std::none_of(std::begin(box.records->guests), std::end(box.records->guests), [](GuestRecord& r) {
        return std::atomic_ref<std::uint32_t>(r.in_use).load(std::memory_order_acquire) != 0;
      });
    });
  }
  VhostGuest& new_guest() {
    VhostGuestOptions options;
    options.features = (options.features & ~kRingFeatures) | GetParam();
    options.queue_size = 16;
    guests.push_back(std::make_unique<VhostGuest>(box.path, options));
    return *guests.back();
  }
  // Each of `count` chains is returned, and only once.
  static void expect_back(VhostGuest& guest, std::uint64_t count) {
    std::vector<unsigned> seen(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto used = guest.take(kReporting);
      ASSERT_TRUE(used) << i << " of " << count
                        << ", fault: " << describe(guest.rings[kReporting].driver->fault());
      ASSERT_EQ(++seen.at(used->token), 1U);
    }
    ASSERT_FALSE(guest.take(kReporting, 0));
    ASSERT_EQ(guest.rings[kReporting].driver->fault(), DeviceFault::None);
  }
  static void report(VhostGuest& guest, std::uint64_t count, std::uint32_t each) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const detail::QueueBuffer range = VhostGuest::range(kFree + i * each, each);
      guest.add(kReporting, {&range, 1}, i);
    }
  }

  VhostServerBox box{{.features = BalloonGuestOptions{}.features | kFeatureRingPacked}};
  std::vector<std::unique_ptr<VhostGuest>> guests;
  std::vector<int> extra;

 private:
  static std::atomic<bool>* shared_flag() {
    void* const at =
        mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FALLOW_CHECK(at != MAP_FAILED);
    return new (at) std::atomic<bool>(false);
  }

  const std::vector<int> before_ = all_descriptors();
  std::atomic<bool>* const serves_ = shared_flag();
  pid_t worker_ = -1;
};
INSTANTIATE_TEST_SUITE_P(All, ServerKilled,
                         testing::Values(Features{0}, kFeatureEventIdx | kFeatureIndirectDesc,
                                         kFeatureRingPacked, kFeatureRingPacked | kFeatureEventIdx));

TEST_P(ServerKilled, AtAnyMomentOfItsReports) {
  const std::vector<int> before = all_descriptors();
  spawn();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(new_guest().bind());
  std::mt19937 random(7);
  std::uint64_t sent = 0;
  for (int round = 0; round < 60; ++round) {
    constexpr std::uint32_t kEach = 2 * kMib;
    const std::uint64_t count = 1 + random() % 8;
    for (auto& guest : guests) {
      guest->fill(kFree, 16 * kMib);
      guest->fill(kFree + 16 * kMib, 4096);
    }
    for (auto& guest : guests) report(*guest, count, kEach);
    sent += count;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 1500));
    kill_worker();
    for (int i = 0; i < round % 3; ++i) {  // also while it takes over
      spawn(false);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      kill_worker();
    }
    spawn();
    for (auto& guest : guests) {
      expect_back(*guest, count);
      if (HasFatalFailure()) FAIL() << "in round " << round;
      ASSERT_EQ(guest->memory()[kFree + 16 * kMib], std::byte{0x5a});
      ASSERT_EQ(guest->config(kBalloonNumPages), 0U);
    }
  }
  for (auto& guest : guests) {
    const std::uint32_t base = guest->stop_ring(kReporting);
    if (!guest->packed) {
      EXPECT_EQ(base, sent & 0xffff);
    }
  }
  guests.clear();
  ASSERT_TRUE(all_gone());
  kill_worker();
  // Closes the dead process's own descriptors, as the next process would.
  EXPECT_EQ(all_descriptors().size(), before.size() + 4);
}

// Statistics buffers, which are kept for a long time, and requests under way.
TEST_P(ServerKilled, WhileItKeepsAChainAndAMessageIsUnderWay) {
  spawn();
  VhostGuest& guest = new_guest();
  ASSERT_TRUE(guest.bind());
  std::mt19937 random(8);
  for (int round = 0; round < 60; ++round) {
    guest.give_statistics(4, 1);
    ASSERT_TRUE(guest.front.send(Request::SetVringCall, bytes_of(std::uint64_t{kReporting}),
                                 {dup(guest.rings[kReporting].call)}, VhostGuest::kAck));
    if (round % 2 == 0) {
      ASSERT_TRUE(guest.front.send(Request::SetMemTable, bytes_of(MemTable{1, 0}, guest.region()),
                                   {dup(guest.file())}, VhostGuest::kAck));
    }
    report(guest, 1, kMib);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 600));
    kill_worker();
    spawn();
    for (int i = round % 2; i < 2; ++i) {
      const auto reply = guest.reply();
      ASSERT_TRUE(reply) << round;
      ASSERT_EQ(reply->u64(), 0U) << round;
    }
    expect_back(guest, 1);
    if (HasFatalFailure()) FAIL() << "in round " << round;
    // The worker has the buffer again, unless it was taken before the death and has been returned.
    if (!guest.take(kStats, 5)) {
      kill_worker();
      spawn();
      ASSERT_TRUE(guest.take(kStats)) << round;
    }
    ASSERT_FALSE(guest.take(kStats, 0)) << round;
  }
}

// A separate back-end that knows only what the front-end kept: the area that tracks chains in flight.
TEST_P(ServerKilled, AndAnotherDaemonGoesOnWithTheInflightArea) {
  if ((GetParam() & kFeatureRingPacked) != 0) GTEST_SKIP() << "of split rings";
  spawn();
  VhostGuest& guest = new_guest();
  ASSERT_TRUE(guest.negotiate());
  const auto given = guest.ask(Request::GetInflightFd, bytes_of(InflightDescription{0, 0, 4, 16}));
  ASSERT_TRUE(given && given->fd >= 0);
  extra = {given->fd};
  const auto set_inflight = [&] {
    return guest.ask(Request::SetInflightFd, given->payload, {dup(given->fd)}, VhostGuest::kAck)->u64() == 0;
  };
  ASSERT_TRUE(set_inflight() && guest.set_memory() && guest.start_rings());
  std::mt19937 random(9);
  for (int round = 0; round < 30; ++round) {
    const std::uint64_t count = 1 + random() % 8;
    guest.fill(kFree, 16 * kMib);
    guest.give_statistics(4, 1);
    report(guest, count, 2 * kMib);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 1500));
    kill_worker();
    for (GuestRecord& record : box.records->guests) record.in_use = 0;
    spawn();
    ASSERT_TRUE(guest.hung_up());
    guest.front.connect(connect_to(box.path));
    ASSERT_TRUE(guest.negotiate() && set_inflight() && guest.set_memory());
    for (const std::uint16_t queue : {kStats, kReporting}) {
      const std::uint64_t used = guest.rings[queue].driver->addresses().device_area.raw - VhostGuest::kBase;
      std::uint16_t base = 0;
      std::memcpy(&base, guest.memory() + used + 2, sizeof base);
      ASSERT_TRUE(guest.start_ring(queue, base));
    }
    expect_back(guest, count);
    if (HasFatalFailure()) FAIL() << "in round " << round;
    if (!guest.take(kStats, 5)) {  // the buffer was taken after that
      const std::uint32_t base = guest.stop_ring(kStats);
      ASSERT_TRUE(guest.take(kStats)) << round;
      ASSERT_TRUE(guest.start_ring(kStats, base));
    }
    ASSERT_FALSE(guest.take(kStats, 0)) << round;
  }
  close(given->fd);
}

}  // namespace
}  // namespace fallow::vhost
