// Fails the i-th of every fallible operation, for i = 1, 2, 3, ... until a whole run passes without a
// failure. After each failure the zone is sound, no memory of the port is lost, and every frame can be
// allocated again.
#include <random>

#include "fallow/zone/detail/isolation.h"
#include "tests/support/rig.h"

namespace fallow {
namespace {

// The i-th call of count() returns true, all others return false.
class FailAt {
 public:
  explicit FailAt(std::uint64_t i) : left_(i) {}
  bool count() { return left_ != 0 && --left_ == 0; }
  bool reached() const { return left_ == 0; }

 private:
  std::uint64_t left_;
};

constexpr std::uint64_t kManyAttempts = 100000;

// One instance of each policy.
struct Policies {
  explicit Policies(Order order) : hwm(order, 1), linux_policy(order), aged(order) {}
  Policy& operator[](int which) {
    Policy* const all[] = {&hwm, &linux_policy, &aged};
    return *all[which];
  }
  HwmPolicy hwm;
  LinuxPolicy linux_policy;
  AgedPolicy aged;
};

// Keeps a zone partly used: allocates and frees runs of every order, from a fixed seed.
class Traffic {
 public:
  explicit Traffic(ZoneBox& box) : box_(box) {}
  ~Traffic() {
    for (const auto& [pfn, order] : held_) EXPECT_EQ(box_.cache().free(pfn, order), Status::Ok);
    box_.cache().drain();
  }

  void step() {
    for (int i = 0; i < 24; ++i) {
      const Order order{static_cast<std::uint8_t>(random_() % 11)};
      const auto mobility = static_cast<Mobility>(random_() % kMobilities);
      if (const Allocation a = box_.cache().allocate(order, mobility); a.ok())
        held_.emplace_back(a.pfn, order);
    }
    for (std::size_t i = 0; i < held_.size() / 2 + 1 && !held_.empty(); ++i) {
      const std::size_t at = random_() % held_.size();
      EXPECT_EQ(box_.cache().free(held_[at].first, held_[at].second), Status::Ok);
      held_[at] = held_.back();
      held_.pop_back();
    }
    box_.cache().drain();
  }

 private:
  ZoneBox& box_;
  std::mt19937 random_{42};
  std::vector<std::pair<Pfn, Order>> held_;
};

void expect_sound(Rig& rig) {
  for (std::size_t i = 0; i < 2; ++i) {
    rig.box(i).check();
    EXPECT_EQ(rig.box(i).stats().isolated.raw, 0u);
  }
}

// Registers and unregisters four times with traffic in between; each report and each allocation is counted.
void run_once(int which, Order order, FailAt& reports, FailAt& memory) {
  Rig rig(mebibytes(32), 2);
  const std::uint64_t live = rig.port.live_allocations();
  Policies policies(order);
  Policy& policy = policies[which];
  {
    Traffic first(rig.box(0)), second(rig.box(1));
    for (int round = 0; round < 4; ++round) {
      TestDevice device(rig.port, 1 + static_cast<std::uint32_t>(round) * 5);
      device.answer = [&](Scatterlist, std::uint32_t) {
        return reports.count() ? Status::Failed : Status::Ok;
      };
      // A registration makes two allocations.
      for (std::uint64_t i = 1; i <= 2; ++i) {
        if (!memory.count()) continue;
        rig.port.fail_allocation_at(i);
        ASSERT_EQ(rig.reporter().register_device(device, policy), Status::NoMemory);
        ASSERT_EQ(rig.port.live_allocations(), live);
        ASSERT_FALSE(rig.reporter().reporting_requested(0));
        expect_sound(rig);
      }
      rig.port.fail_allocation_at(0);
      rig.register_device(device, policy);
      for (int i = 0; i < 3; ++i) {
        first.step();
        second.step();
        rig.pass_time(milliseconds(700));
        expect_sound(rig);
      }
      device.expect_batches_well_formed(order);
      rig.unregister_device(device);
      ASSERT_EQ(rig.port.live_allocations(), live);
      ASSERT_FALSE(rig.reporter().reporting_requested(0));
    }
  }
  // Failed reports are not lost: a final device receives everything that is free and not yet reported.
  TestDevice device(rig.port);
  HwmPolicy all(order, 1);
  rig.register_device(device, all);
  rig.pass_time(seconds(1));
  for (std::size_t i = 0; i < 2; ++i) {
    const detail::UnreportedCounts left = detail::count_unreported(rig.zone(i).tables(), order);
    for (unsigned o = order.raw; o <= kMaxOrder.raw; ++o) EXPECT_EQ(left.of[o], 0u);
  }
  rig.unregister_device(device);
  for (std::size_t i = 0; i < 2; ++i) rig.box(i).expect_whole(mebibytes(32).raw);
}

class FaultTest : public ::testing::TestWithParam<std::tuple<int, int>> {
 protected:
  int which() const { return std::get<0>(GetParam()); }
  Order order() const { return Order{static_cast<std::uint8_t>(std::get<1>(GetParam()))}; }
};

TEST_P(FaultTest, EveryReport) {
  for (std::uint64_t i = 1; i < kManyAttempts; ++i) {
    SCOPED_TRACE(::testing::Message() << "report " << i << " fails");
    FailAt reports(i), memory(0);
    run_once(which(), order(), reports, memory);
    if (!reports.reached() || HasFailure()) return;
  }
  FAIL() << "no run without a failure";
}

TEST_P(FaultTest, EveryRegistrationStep) {
  for (std::uint64_t i = 1; i < kManyAttempts; ++i) {
    SCOPED_TRACE(::testing::Message() << "registration step " << i << " fails");
    FailAt reports(0), memory(i);
    run_once(which(), order(), reports, memory);
    if (!memory.reached() || HasFailure()) return;
  }
  FAIL() << "no run without a failure";
}

// Fails the i-th report, the i-th step, and the i-th report combined with each step.
TEST_P(FaultTest, EveryCombination) {
  for (std::uint64_t step = 1; step <= 8; ++step) {
    for (std::uint64_t i = 1; i < kManyAttempts; i = i * 3 / 2 + 1) {
      SCOPED_TRACE(::testing::Message() << "report " << i << " and registration step " << step << " fail");
      FailAt reports(i), memory(step);
      run_once(which(), order(), reports, memory);
      if (HasFailure()) return;
      if (!reports.reached()) break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(PoliciesAndOrders, FaultTest,
                         ::testing::Combine(::testing::Values(0, 1, 2), ::testing::Values(0, 4, 9, 10)));

// Every n-th report fails, for every n, until everything is reported: nothing is lost, and the run ends.
TEST(FaultyDevice, FailsEveryNth) {
  for (unsigned n = 1; n <= 12; ++n) {
    Rig rig(mebibytes(32));
    rig.box().fill();
    rig.box().free_blocks({0}, Order{0}, 1500, 2);
    rig.box().free_blocks({4096}, Order{4}, 100, 32);
    TestDevice device(rig.port, 7);
    unsigned calls = 0;
    device.answer = [&](Scatterlist, std::uint32_t) {
      return ++calls % n == 0 && calls < 300 ? Status::Failed : Status::Ok;
    };
    HwmPolicy policy(Order{0}, 1);
    rig.register_device(device, policy);
    rig.pass_time(seconds(4000));
    EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free);
    EXPECT_FALSE(rig.reporter().reporting_requested(0));
    rig.unregister_device(device);
    rig.box().expect_whole(1500 + 100 * 16);
  }
}

// The caller provides the metadata: missing or insufficient metadata is refused.
TEST(FaultyMetadata, IsRefused) {
  FakePort port;
  const ZoneConfig config{{}, mebibytes(32), 2};
  const ByteCount size = Zone::metadata_size(config);
  auto* const memory = static_cast<std::byte*>(port.allocate(size));
  for (std::uint64_t cut = 0; cut <= size.raw; cut = cut < 4096 ? cut + 1 : cut * 2) {
    const Result<Zone*> made = Zone::create(port, config, {memory, size.raw - cut});
    EXPECT_EQ(made.status(), cut == 0 ? Status::Ok : Status::InvalidArgument);
    if (cut == 0) std::fill(memory, memory + size.raw, std::byte{0});
  }
  EXPECT_EQ(Zone::create(port, config, {}).status(), Status::InvalidArgument);
  EXPECT_EQ(Zone::create(port, config, {memory + 1, size.raw - 1}).status(), Status::InvalidArgument);
  port.release(memory, size);
  EXPECT_EQ(port.live_allocations(), 0u);
}

// Covers every allocation from the start: the tables of two zones, then those of the device. The i-th fails.
TEST(FaultyMemory, EveryAllocationOfAWholeProgram) {
  for (std::uint64_t i = 1;; ++i) {
    ASSERT_LT(i, 100u);
    FakePort port;
    port.fail_allocation_at(i);
    const ZoneConfig config{{}, mebibytes(32), 1};
    const ByteCount size = Zone::metadata_size(config);
    void* tables[2] = {};
    Status status = Status::Ok;
    for (void*& t : tables) {
      t = port.allocate(size);
      if (t == nullptr) status = Status::NoMemory;
    }
    if (status == Status::Ok) {
      Zone* zones[2];
      for (int z = 0; z < 2; ++z) {
        const auto made = Zone::create(port, config, {static_cast<std::byte*>(tables[z]), size.raw});
        ASSERT_TRUE(made.ok());
        zones[z] = made.value();
      }
      Reporter reporter(port, zones);
      TestDevice device(port);
      HwmPolicy policy(kOrder9, 1);
      status = reporter.register_device(device, policy);
      if (status == Status::Ok) {
        port.run_until(port.now(), worker_of(reporter));
        ASSERT_EQ(reporter.unregister_device(device), Status::Ok);
        for (const Zone* zone : zones) EXPECT_EQ(zone_stats(*zone).reported, mebibytes(32));
      }
    }
    for (void* t : tables) {
      if (t != nullptr) port.release(t, size);
    }
    EXPECT_EQ(port.live_allocations(), 0u);
    if (status == Status::Ok) {
      EXPECT_EQ(i, 5u) << "two tables, two parts of the registration";
      return;
    }
    EXPECT_EQ(status, Status::NoMemory);
  }
}

}  // namespace
}  // namespace fallow
