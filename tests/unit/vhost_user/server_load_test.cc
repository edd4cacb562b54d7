// Many guests, too many guests, and how fast they are served. The tests print times; no time fails a test.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "tests/support/sanitized.h"
#include "tests/support/vhost_server.h"

#include <thread>

namespace fallow::vhost {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint64_t kFree = VhostGuest::kFree;
constexpr std::uint16_t kReporting = VhostGuest::kReporting;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}
double cpu_seconds(clockid_t of) {
  timespec time{};
  clock_gettime(of, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
double own_cpu() { return cpu_seconds(CLOCK_THREAD_CPUTIME_ID); }
// CPU time of all threads except this one.
double daemon_cpu() { return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - own_cpu(); }
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class ServerLoad : public VhostServerRig {
 protected:
  void TearDown() override {
    guests.clear();
    VhostServerRig::TearDown();
  }
  VhostGuest& new_guest(const VhostGuestOptions& options = {}) {
    guests.push_back(std::make_unique<VhostGuest>(box.path, options));
    return *guests.back();
  }
  std::vector<std::unique_ptr<VhostGuest>> guests;
};

TEST_F(ServerLoad, SeventyTwoGuestsAtOnce) {
  for (int i = 0; i < 72; ++i) ASSERT_TRUE(new_guest({.memory = 4 * kMib}).bind());
  const detail::QueueBuffer range = VhostGuest::range(kFree, kMib);
  for (int round = 0; round < 5; ++round) {
    for (auto& guest : guests) {
      guest->fill(kFree, 2 * kMib);
      guest->add(kReporting, {&range, 1});
    }
    for (auto& guest : guests) {
      ASSERT_TRUE(guest->take(kReporting));
      ASSERT_LE(guest->blocks(), 2 * kMib);
    }
  }
  EXPECT_EQ(box.guests().size(), 72U);
}

TEST_F(ServerLoad, ThreeHundredConnectionsAtOnce) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 8192);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 3000) GTEST_SKIP() << "no more than " << limit.rlim_cur << " descriptors";
  std::vector<std::unique_ptr<VhostFrontEnd>> fronts;
  for (int i = 0; i < 300; ++i) {
    fronts.push_back(std::make_unique<VhostFrontEnd>(connect_to(box.path)));
    static_cast<void>(fronts.back()->send(Request::GetFeatures));
  }
  EXPECT_TRUE(box.events.wait_for("turned away", 44)) << box.events.count("connected");
  unsigned served = 0;
  for (auto& front : fronts) {
    pollfd readable{front->socket(), POLLIN, 0};
    served += poll(&readable, 1, 10'000) == 1 && front->reply();
  }
  EXPECT_EQ(served, 256U);
  fronts.resize(200);
  EXPECT_TRUE(box.wait_for_guests(200));
  expect_good_guest(box);
  fronts.clear();
  EXPECT_TRUE(box.wait_for_guests(0));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(ServerLoad, OutOfDescriptors) {
  if (kTypesChecked) GTEST_SKIP() << "UndefinedBehaviorSanitizer needs descriptors of its own";
  VhostGuest& first = new_guest();
  ASSERT_TRUE(first.bind());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // Connections from before and after the limit, which also applies to this end.
  std::vector<int> sockets;
  for (int i = 0; i < 40; ++i) sockets.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit limit = before;
  limit.rlim_cur = 0;
  for (int free = 0; free < 12; ++limit.rlim_cur)
    free += fcntl(static_cast<int>(limit.rlim_cur), F_GETFD) < 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  box.path.copy(name.sun_path, sizeof name.sun_path - 1);
  for (const int fd : sockets)
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  EXPECT_TRUE(box.events.wait_for("turned away", 30)) << box.events.all();
  EXPECT_TRUE(first.report(kFree, kMib)) << "who is there already is served";
  EXPECT_TRUE(first.config(0));
  // A descriptor that cannot be received costs its sender the connection, and affects no other guest.
  VhostGuest* hungry = nullptr;
  for (const int fd : sockets) close(fd);
  EXPECT_TRUE(box.wait_for_guests(1));
  hungry = &new_guest();
  std::vector<int> filler;
  for (int fd = 0; (fd = VhostFrontEnd::event()) >= 0;) filler.push_back(fd);
  EXPECT_TRUE(hungry->front.send(Request::SetVringCall, bytes_of(std::uint64_t{0}), {filler.back()}) || true);
  filler.pop_back();
  for (const int fd : filler) close(fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(first.report(kFree, kMib));
}

// Control messages are answered while memory is being released.
TEST_F(ServerLoad, RepliesWhileMuchIsReleased) {
  constexpr std::uint64_t kLarge = 1 << 30;
  VhostGuest& large = new_guest({.memory = kLarge});
  ASSERT_TRUE(large.bind());
  VhostGuest& other = new_guest();
  ASSERT_TRUE(other.bind());
  for (VhostGuest* asked : {&large, &other}) {
    std::vector<double> times;
    double released = 0;
    for (int round = 0; round < 2; ++round) {
      ASSERT_EQ(posix_fallocate(large.file(), VhostGuest::kInFile, kLarge), 0);
      const detail::QueueBuffer most = VhostGuest::range(kFree, static_cast<std::uint32_t>(kLarge - kFree));
      const auto start = Clock::now();
      large.add(kReporting, {&most, 1});
      for (Used used; large.rings[kReporting].driver->take(used) != Taken::Used;) {
        const auto asking = Clock::now();
        ASSERT_TRUE(asked->config(0));
        ASSERT_EQ(asked->write_config(kBalloonActual, 0), 0U);
        times.push_back(seconds_since(asking) / 2);
      }
      released = seconds_since(start);
    }
    std::printf(
        "[  FIGURE  ] control reply of %s guest while 1 GiB is released (%.0f ms): median %.3f ms, "
        "longest %.3f ms, of %zu\n",
        asked == &large ? "the same" : "another", released * 1e3, median(times) * 1e3,
        *std::max_element(times.begin(), times.end()) * 1e3, times.size());
  }
}

// Compares the time of a report with that of the bare system calls on the same ranges.
TEST_F(ServerLoad, TheTimeOfAReport) {
  constexpr unsigned kRanges = 32, kRounds = 15;
  constexpr std::uint32_t kEach = 2 * kMib;
  VhostGuest& guest = new_guest({.memory = 128 * kMib, .queue_size = 64});
  ASSERT_TRUE(guest.bind());
  std::vector<double> served, bare, called, daemon, caller;
  const auto populate = [&] {
    guest.fill(VhostGuest::kLists, 4096);
    ASSERT_EQ(posix_fallocate(guest.file(), static_cast<off_t>(VhostGuest::kInFile + kFree), kRanges * kEach),
              0);
  };
  for (unsigned round = 0; round < kRounds; ++round) {
    populate();
    const double calls_before = box.guest().calls.sum;
    const auto start = Clock::now();
    const double daemon_before = daemon_cpu();
    // Leaves gaps, so that no two ranges are merged.
    std::vector<detail::QueueBuffer> ranges;
    for (unsigned i = 0; i < kRanges; ++i)
      ranges.push_back(VhostGuest::range(kFree + std::uint64_t{i} * kEach, kEach - 4096));
    ASSERT_TRUE(guest.exchange(kReporting, ranges));
    served.push_back(seconds_since(start));
    daemon.push_back(daemon_cpu() - daemon_before);
    called.push_back(box.guest().calls.sum - calls_before);
    populate();
    // Another thread fills the memory than the one that releases it, as in the daemon: a processor frees
    // pages more slowly if another one has just allocated them.
    std::thread([&] {
      const auto begun = Clock::now();
      const double caller_before = own_cpu();
      for (unsigned i = 0; i < kRanges; ++i) {
        const auto at = static_cast<off_t>(VhostGuest::kInFile + kFree + std::uint64_t{i} * kEach);
        EXPECT_EQ(fallocate(guest.file(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, kEach - 4096), 0);
      }
      bare.push_back(seconds_since(begun));
      caller.push_back(own_cpu() - caller_before);
    }).join();
  }
  std::printf(
      "[  FIGURE  ] a report of 32 x 2 MiB: %.0f us of the daemon's CPU, bare calls %.0f us: %.2f times\n",
      median(daemon) * 1e6, median(caller) * 1e6, median(daemon) / median(caller));
  std::printf(
      "[  FIGURE  ] a report of 32 x 2 MiB: %.0f us there and back, %.0f us of it host calls; bare calls "
      "%.0f us: %.2f times\n",
      median(served) * 1e6, median(called) * 1e6, median(bare) * 1e6, median(served) / median(bare));
}

TEST_F(ServerLoad, TheSpeedOfOneAmongNine) {
  constexpr std::uint64_t kSize = 1 << 30, kReport = 64 * kMib;
  constexpr std::uint32_t kEach = 2 * kMib;
  VhostGuest& guest = new_guest({.memory = kSize + 64 * kMib, .queue_size = 64});
  ASSERT_TRUE(guest.bind());
  std::atomic<bool> done{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 8; ++i) {
    VhostGuest& other = new_guest();
    ASSERT_TRUE(other.bind());
    others.emplace_back([&done, &other] {
      while (!done) {
        other.fill(kFree, 4 * kMib);
        if (!other.report(kFree, kMib, 4)) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
  }
  std::vector<double> served, bare;
  const auto populate = [&] {
    return posix_fallocate(guest.file(), static_cast<off_t>(VhostGuest::kInFile + kFree), kSize) == 0;
  };
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(populate());
    const auto start = Clock::now();
    for (std::uint64_t at = 0; at < kSize; at += kReport) {
      ASSERT_TRUE(guest.report(kFree + at, kEach, 32));
    }
    served.push_back(seconds_since(start));
    ASSERT_TRUE(populate());
    std::thread([&] {  // another thread, for the same reason
      const auto begun = Clock::now();
      for (std::uint64_t at = 0; at < kSize; at += kEach) {
        EXPECT_EQ(fallocate(guest.file(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                            static_cast<off_t>(VhostGuest::kInFile + kFree + at), kEach),
                  0);
      }
      bare.push_back(seconds_since(begun));
    })
        .join();
  }
  done = true;
  for (std::thread& other : others) other.join();
  std::printf(
      "[  FIGURE  ] 1 GiB in reports of 32 x 2 MiB beside 8 guests: %.0f ms, bare calls %.0f ms: %.2f of "
      "their speed\n",
      median(served) * 1e3, median(bare) * 1e3, median(bare) / median(served));
}

// In pages of anonymous memory: the guests' ends of this test account for the shared memory.
double own_mib() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  double kib = 0;
  for (std::string word; rollup >> word;) {
    if (word == "Anonymous:") rollup >> kib;
  }
  return kib / 1024;
}

TEST_F(ServerLoad, TheMemoryOfIdleGuests) {
  const double before = own_mib();
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(new_guest({.memory = 64 * kMib}).bind());
  }
  for (auto& guest : guests) ASSERT_TRUE(guest->report(kFree, kMib));
  std::printf("[  FIGURE  ] 64 idle guests: %.1f MiB of memory, both ends\n", own_mib() - before);
  const double then = daemon_cpu();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  std::printf("[  FIGURE  ] and %.2f ms of CPU in half a second\n", (daemon_cpu() - then) * 1e3);
}

}  // namespace
}  // namespace fallow::vhost
