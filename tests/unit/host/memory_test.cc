// fallow::Memory: one object that owns everything, in every order in which a program declares it and its
// threads.
#include "fallow/host/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "fallow/zone/zone_check.h"
#include "fallow/zone/zone_stats.h"

namespace fallow {
namespace {

using namespace std::chrono_literals;

constexpr PfnCount kSize{16 * 512};

MemoryOptions options(std::uint32_t threads = 4) {
  MemoryOptions made;
  made.size = kSize;
  made.threads = threads;
  made.policy = HwmPolicy(Order{9}, 1);
  return made;
}

std::unique_ptr<Memory> make(const MemoryOptions& wanted) {
  auto made = Memory::create(wanted);
  EXPECT_EQ(made.error, "");
  return std::move(made.object);
}

template <class Condition>
bool soon(Condition condition) {
  for (int i = 0; i < 5000 && !condition(); ++i) std::this_thread::sleep_for(1ms);
  return condition();
}

std::vector<Pfn> use_all(Memory& memory) {
  std::vector<Pfn> in_use;
  for (Allocation a = memory.allocate(); a.ok(); a = memory.allocate()) {
    *memory.address(a.pfn) = std::byte{1};
    in_use.push_back(a.pfn);
  }
  return in_use;
}

void free_all(Memory& memory, const std::vector<Pfn>& frames) {
  for (const Pfn pfn : frames) ASSERT_EQ(memory.free(pfn), Status::Ok);
}

// A gate at which a thread waits.
class Gate {
 public:
  void open() {
    const std::lock_guard held(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void wait() {
    std::unique_lock held(mutex_);
    opened_.wait(held, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

TEST(Memory, UnusedFramesGoBack) {
  const auto memory = make(options());
  const std::vector<Pfn> in_use = use_all(*memory);
  EXPECT_EQ(in_use.size(), kSize.raw);
  EXPECT_EQ(memory->resident().value(), kSize);
  free_all(*memory, in_use);
  memory->drain();
  EXPECT_TRUE(soon([&] { return memory->resident().value().raw <= kSize.raw / 4; }))
      << memory->resident().value().raw;
  EXPECT_GT(memory->reporting_stats().requests, 0u);
  EXPECT_EQ(memory->stop_reporting(), Status::Ok);
  EXPECT_TRUE(zone_check(memory->zone()).none());
}

TEST(Memory, FramesAndAddressesAreTheSameThing) {
  MemoryOptions from = options();
  from.first = Pfn{0x1000};
  const auto memory = make(from);
  const Allocation a = memory->allocate(Order{3});
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(memory->frame_of(memory->address(a.pfn)), a.pfn);
  EXPECT_EQ(memory->frame_of(memory->address(a.pfn) + 3 * kFrameSize + 17), a.pfn + PfnCount{3});
  EXPECT_EQ(memory->free(a.pfn, Order{3}), Status::Ok);
}

TEST(MemoryDeathTest, AddressesOutside) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // the worker is a second thread
  const auto memory = make(options());
  std::byte* const begin = memory->address({});
  EXPECT_DEATH(static_cast<void>(memory->frame_of(begin - 1)), "give one that address\\(\\) returned");
  EXPECT_DEATH(static_cast<void>(memory->frame_of(begin + bytes(kSize).raw)), "outside the memory");
  EXPECT_DEATH(static_cast<void>(memory->address(Pfn{0} + kSize)), "outside the backing");
}

TEST(Memory, WrongOptionsAreRefusedInWords) {
  MemoryOptions wrong = options();
  wrong.size = {};
  EXPECT_NE(Memory::create(wrong).error, "");
  wrong = options(0);
  EXPECT_EQ(Memory::create(wrong).error, "threads 0: expected 1 to 4094");
  wrong = options(4095);
  EXPECT_EQ(Memory::create(wrong).error, "threads 4095: expected 1 to 4094");
  wrong = options();
  wrong.first = Pfn{std::uint64_t{1} << 52};
  EXPECT_NE(Memory::create(wrong).error.find("below 2^52"), std::string::npos);
  wrong = options();
  wrong.policy = HwmPolicy(Order{9}, 0);
  EXPECT_NE(Memory::create(wrong).error.find("invalid argument"), std::string::npos);
  wrong = options();
  wrong.device = [](Backing&) { return std::shared_ptr<ReportingDevice>(); };
  EXPECT_EQ(Memory::create(wrong).error, "MemoryOptions::device made no device");
}

TEST(Memory, ReportingBeginsAndEndsOnRequest) {
  MemoryOptions off = options();
  off.reporting = false;
  const auto memory = make(off);
  EXPECT_EQ(memory->stop_reporting(), Status::NotFound);
  free_all(*memory, use_all(*memory));
  memory->drain();
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(memory->resident().value(), kSize);
  EXPECT_EQ(memory->start_reporting(), Status::Ok);
  EXPECT_EQ(memory->start_reporting(), Status::Busy);
  EXPECT_TRUE(soon([&] { return memory->resident().value().raw <= kSize.raw / 4; }));
  EXPECT_EQ(memory->stop_reporting(), Status::Ok);
}

// ---- Threads and their caches. ----

TEST(Memory, AThreadHasACacheUntilItExits) {
  const auto memory = make(options(2));
  LocalCache* const mine = memory->cache();
  ASSERT_EQ(mine, &memory->zone().cache(0));
  EXPECT_EQ(memory->cache(), mine);
  for (int i = 0; i < 3; ++i) {
    LocalCache* theirs = nullptr;
    std::thread([&] {
      theirs = memory->cache();
      const Allocation a = memory->allocate();
      EXPECT_EQ(memory->free(a.pfn), Status::Ok);
    }).join();
    EXPECT_EQ(theirs, &memory->zone().cache(1)) << "the exit of the thread before returned the cache";
  }
  EXPECT_EQ(zone_stats(memory->zone()).cached.raw, 0u) << "the exits drained it";
}

TEST(Memory, MoreThreadsThanCachesShareOne) {
  const auto memory = make(options(1));
  ASSERT_NE(memory->cache(), nullptr);
  std::atomic<std::uint64_t> allocated{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      EXPECT_EQ(memory->cache(), nullptr);
      for (int i = 0; i < 2000; ++i) {
        const Allocation a = memory->allocate();
        if (!a.ok()) continue;
        allocated.fetch_add(1);
        EXPECT_EQ(memory->free(a.pfn), Status::Ok);
      }
      memory->drain();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allocated.load(), 8000u);
  EXPECT_EQ(memory->zone().misuse().count, 0u);
  memory->drain();
  EXPECT_EQ(zone_stats(memory->zone()).used.raw, 0u);
}

TEST(Memory, AThreadUsesSeveralByTurns) {
  const auto one = make(options()), other = make(options());
  for (int i = 0; i < 100; ++i) {
    const Allocation a = one->allocate(), b = other->allocate();
    EXPECT_EQ(one->free(a.pfn), Status::Ok);
    EXPECT_EQ(other->free(b.pfn), Status::Ok);
  }
  EXPECT_EQ(one->cache(), &one->zone().cache(0));
  EXPECT_EQ(other->cache(), &other->zone().cache(0));
}

// The next object may lie at the same address; the thread must not take the cache of the last one for its
// own.
TEST(Memory, OneAfterAnotherInOneThread) {
  for (int i = 0; i < 20; ++i) {
    const auto memory = make(options());
    EXPECT_EQ(memory->cache(), &memory->zone().cache(0));
    free_all(*memory, use_all(*memory));
  }
}

// ---- Orders of destruction. ----

TEST(MemoryOrder, TheThreadExitsAfterTheMemory) {
  Gate used, gone;
  auto memory = make(options());
  std::thread thread([&] {
    EXPECT_TRUE(memory->allocate().ok());
    used.open();
    gone.wait();
  });
  used.wait();
  memory.reset();
  gone.open();
  thread.join();
}

TEST(MemoryOrder, TheThreadsAreDeclaredBeforeTheMemory) {
  struct Joined {
    ~Joined() {
      stop.store(true);
      for (std::thread& thread : threads) thread.join();
    }
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
  };
  Gate done;
  Joined joined;
  const auto memory = make(options());
  std::atomic<int> used{0};
  for (int t = 0; t < 3; ++t)
    joined.threads.emplace_back([&memory = *memory, &used, &stop = joined.stop, &done] {
      free_all(memory, use_all(memory));
      memory.drain();
      if (used.fetch_add(1) == 2) done.open();
      while (!stop.load()) std::this_thread::sleep_for(1ms);
    });
  done.wait();  // from here on they run, and exit after the memory is gone
}

TEST(MemoryOrder, DestroyedWhileThereIsWork) {
  for (int i = 0; i < 20; ++i) {
    const auto memory = make(options());
    free_all(*memory, use_all(*memory));
    memory->drain();  // the worker is due now
  }
}

// The program's device and what it uses are declared in any order around the memory.
class CountingDevice final : public ReportingDevice {
 public:
  explicit CountingDevice(std::vector<std::uint64_t>& counts) : counts_(counts) {}
  ~CountingDevice() { counts_.push_back(0); }
  Status report(Scatterlist list, std::uint32_t) noexcept override {
    std::this_thread::sleep_for(1ms);
    counts_.push_back(list.size());
    return Status::Ok;
  }
  std::uint32_t capacity() const noexcept override { return 2; }

 private:
  std::vector<std::uint64_t>& counts_;
};

TEST(MemoryOrder, TheDeviceGoesBeforeItsBackingAndAfterItsLastRequest) {
  std::vector<std::uint64_t> counts;
  {
    MemoryOptions with_device = options();
    with_device.device = [&](Backing& backing) {
      EXPECT_EQ(backing.size(), kSize);
      return std::make_shared<CountingDevice>(counts);
    };
    const auto memory = make(with_device);
    std::this_thread::sleep_for(5ms);
  }
  ASSERT_FALSE(counts.empty());
  EXPECT_EQ(counts.back(), 0u) << "the destruction came last";
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 0u), 1);
}

TEST(MemoryOrder, AMemoryThatCouldNotBeMadeLeavesNothing) {
  std::vector<std::uint64_t> counts;
  MemoryOptions wrong = options();
  wrong.policy = HwmPolicy(Order{11}, 1);
  wrong.device = [&](Backing&) { return std::make_shared<CountingDevice>(counts); };
  EXPECT_FALSE(Memory::create(wrong));
  EXPECT_EQ(counts.size(), 1u) << "only destroyed";
}

// Destroyed after main() has returned, when the thread's own objects are gone; a static object may still
// free.
TEST(MemoryOrder, AStaticMemoryThatIsUsedAtExit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static const auto memory = make(options());
        static struct User {
          ~User() {
            const Allocation a = memory->allocate();
            if (!a.ok() || memory->free(a.pfn) != Status::Ok) std::abort();
          }
        } const user;
        EXPECT_TRUE(memory->allocate().ok());
        std::exit(7);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace fallow
