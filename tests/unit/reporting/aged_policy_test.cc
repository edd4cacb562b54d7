// The policy `aged`: never before T, and at most 1.5 T after the last free in the run's groups.
#include <random>

#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

constexpr Nanoseconds half_more(Nanoseconds t) { return {t.raw + t.raw / 2}; }

// The lower half of 512 MiB is in use, the upper half reported.
class AgedPolicyTest : public ::testing::Test {
 protected:
  void start(AgedPolicy& policy) {
    rig_.box().fill();
    rig_.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
    rig_.register_device(device_, policy);
    rig_.pass_time(seconds(1000));
    ASSERT_EQ(rig_.box().stats().reported, mebibytes(256));
    device_.batches.clear();
  }
  void TearDown() override { rig_.unregister_device(device_); }

  // Returns when a frame was reported; kNever if it was not.
  Nanoseconds reported_at(Pfn pfn) const {
    for (const Batch& b : device_.batches) {
      if (b.holds(pfn)) return b.at;
    }
    return kNever;
  }
  void expect_reported_in_time(Pfn pfn, Nanoseconds freed, Nanoseconds age) {
    EXPECT_GE(reported_at(pfn), freed + age) << pfn.raw;
    EXPECT_LE(reported_at(pfn), freed + half_more(age)) << pfn.raw;
  }

  Rig rig_{mebibytes(512)};
  TestDevice device_{rig_.port};
};

TEST_F(AgedPolicyTest, ABlockIsReportedOnceItHasBeenFreeForTheAge) {
  const Nanoseconds age = milliseconds(100);
  AgedPolicy policy(kOrder9, age);
  start(policy);
  std::mt19937 random(7);
  std::vector<Nanoseconds> freed;
  for (std::uint64_t i = 0; i < 128; ++i) {
    rig_.box().free_blocks({i * 512}, kOrder9, 1, 1);
    freed.push_back(rig_.port.now());
    rig_.pass_time(Nanoseconds{random() % 40'000'000});
  }
  rig_.pass_time(seconds(1));
  for (std::uint64_t i = 0; i < 128; ++i) expect_reported_in_time(Pfn{i * 512}, freed[i], age);
  device_.expect_shown_once();
  device_.expect_batches_well_formed(kOrder9);
  EXPECT_FALSE(rig_.reporter().reporting_requested(0));
  EXPECT_EQ(rig_.port.next_deadline(), kNever) << "nothing is left to age, so nothing to wake for";
}

TEST_F(AgedPolicyTest, EveryAgeThereIs) {
  const Nanoseconds age = seconds(3600);
  AgedPolicy policy(kOrder9, age);
  rig_.box().fill();
  rig_.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  rig_.register_device(device_, policy);
  rig_.box().free_blocks({0}, kOrder9, 1, 1);
  const Nanoseconds freed = rig_.port.now();
  rig_.pass_time(half_more(age));
  expect_reported_in_time(Pfn{0}, freed, age);
}

// The parts of a block are freed over a long time, in which the tick counter wraps; the last free counts.
TEST(AgedBlock, TheLastFreeCounts) {
  const Nanoseconds age = milliseconds(100);
  Rig rig(mebibytes(2048));
  TestDevice device(rig.port);
  AgedPolicy policy(kOrder9, age);
  rig.box().fill();
  rig.box().free_blocks({mebibytes(1024).raw}, kOrder10, 256, 1024);
  rig.register_device(device, policy);
  rig.pass_time(seconds(10));
  device.batches.clear();
  std::mt19937 random(3);
  std::uint64_t other = 50;  // blocks freed meanwhile, so that ticks pass
  for (std::uint64_t block = 0; block < 50; ++block) {
    Nanoseconds freed;
    for (std::uint64_t part = 0; part < 8; ++part) {
      rig.box().free_blocks({block * 512 + (part * 5 % 8) * 64}, Order{6}, 1, 1);
      freed = rig.port.now();
      rig.box().free_blocks({other++ * 512}, kOrder9, 1, 1);
      if (part < 7) rig.pass_time(Nanoseconds{random() % 400'000'000});
    }
    rig.pass_time(seconds(1));
    Nanoseconds reported = kNever;
    for (const Batch& b : device.batches) {
      if (b.holds(Pfn{block * 512})) reported = b.at;
    }
    EXPECT_GE(reported, freed + age) << block;
    EXPECT_LE(reported, freed + half_more(age)) << block;
  }
  device.expect_shown_once();
  rig.unregister_device(device);
}

// Order 0: each frame of a group is reported by itself as soon as its group is old enough.
TEST(AgedLowOrders, ReportWhatIsFreeInBlocksInUse) {
  const Nanoseconds age = milliseconds(100);
  for (const unsigned order : {0U, 4U, 6U}) {
    const Order o{static_cast<std::uint8_t>(order)};
    Rig rig(mebibytes(512));
    TestDevice device(rig.port);
    AgedPolicy policy(o, age);
    rig.box().fill();
    rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
    rig.register_device(device, policy);
    rig.pass_time(seconds(10));
    device.batches.clear();
    std::mt19937 random(order);
    std::vector<std::pair<Pfn, Nanoseconds>> freed;
    // One run in every second group of 64 frames: a wholly free block would wait for its youngest group.
    for (std::uint64_t i = 0; i < 200; ++i) {
      const Pfn pfn{i * 128};
      rig.box().free_blocks(pfn, o, 1, 1);
      freed.emplace_back(pfn, rig.port.now());
      rig.pass_time(Nanoseconds{random() % 30'000'000});
    }
    rig.pass_time(seconds(1));
    for (const auto& [pfn, when] : freed) {
      Nanoseconds reported = kNever;
      for (const Batch& b : device.batches) {
        if (b.holds(pfn)) reported = b.at;
      }
      EXPECT_GE(reported, when + age) << order << ' ' << pfn.raw;
      EXPECT_LE(reported, when + half_more(age)) << order << ' ' << pfn.raw;
    }
    device.expect_shown_once();
    EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free);
    rig.unregister_device(device);
  }
}

TEST_F(AgedPolicyTest, AFreeMakesItsWholeGroupYoung) {
  const Nanoseconds age = milliseconds(100);
  AgedPolicy policy(Order{0}, age);
  start(policy);
  rig_.box().free_blocks({0}, Order{0}, 1, 1);
  rig_.box().free_blocks({64}, Order{0}, 1, 1);
  const Nanoseconds first = rig_.port.now();
  rig_.pass_time(milliseconds(60));
  rig_.box().free_blocks({1}, Order{0}, 1, 1);
  const Nanoseconds second = rig_.port.now();
  rig_.pass_time(seconds(1));
  expect_reported_in_time(Pfn{64}, first, age);
  expect_reported_in_time(Pfn{0}, second, age);
  expect_reported_in_time(Pfn{1}, second, age);
}

// A pass runs more often than every quarter of the age over a zone below its watermark, and after a failure
// of the device.
TEST(AgedNeverTooEarly, WhenAStarvedZoneIsLookedAtOften) {
  const Nanoseconds age = seconds(20);
  for (std::uint64_t i = 0; i < 7; ++i) {
    Rig rig(mebibytes(512));
    TestDevice device(rig.port);
    AgedPolicy policy(kOrder9, age);
    rig.box().fill();
    rig.register_device(device, policy);
    rig.pass_time(seconds(60));
    rig.box().free_blocks({0}, kOrder9, 1, 1);  // below the watermark
    const Nanoseconds freed = rig.port.now();
    rig.pass_time(seconds(5) + milliseconds(100 * i));
    rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
    const Nanoseconds freed_later = rig.port.now();
    rig.pass_time(seconds(60));
    for (const Batch& b : device.batches) {
      EXPECT_GE(b.at, (b.holds(Pfn{0}) ? freed : freed_later) + age) << i;
      EXPECT_LE(b.at, (b.holds(Pfn{0}) ? freed : freed_later) + half_more(age)) << i;
    }
    EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free);
    rig.unregister_device(device);
  }
}

TEST(AgedNeverTooEarly, WhenAFailureIsTriedAgainSoon) {
  const Nanoseconds age = seconds(20);
  Rig rig(mebibytes(512));
  TestDevice device(rig.port);
  AgedPolicy policy(kOrder9, age);
  rig.box().fill();
  rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  rig.register_device(device, policy);
  device.answer = [&](Scatterlist, std::uint32_t) {
    return device.batches.size() <= 6 ? Status::Failed : Status::Ok;
  };
  while (device.batches.empty()) rig.pass_time(milliseconds(100));
  // The retries begin: 100 ms, 200 ms, ... A block freed now must not age faster because of them.
  rig.box().free_blocks({0}, kOrder9, 1, 1);
  const Nanoseconds freed = rig.port.now();
  rig.pass_time(seconds(120));
  bool found = false;
  for (const Batch& b : device.batches) {
    if (!b.holds(Pfn{0})) continue;
    found = true;
    EXPECT_GE(b.at, freed + age);
  }
  EXPECT_TRUE(found);
  rig.unregister_device(device);
}

// Frees under a short age are judged by a long one: no tick of the short age counts.
TEST(AgedNeverTooEarly, WhenTheAgeBecomesLonger) {
  const Nanoseconds age = seconds(20);
  Rig rig(mebibytes(512));
  TestDevice device(rig.port);
  AgedPolicy brief(kOrder9, milliseconds(20));
  rig.box().fill();
  rig.register_device(device, brief);
  rig.pass_time(seconds(1));
  rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  const Nanoseconds freed = rig.port.now();
  rig.pass_time(milliseconds(16));
  ASSERT_TRUE(device.batches.empty());
  rig.unregister_device(device);
  AgedPolicy patient(kOrder9, age);
  rig.register_device(device, patient);
  rig.pass_time(seconds(60));
  ASSERT_FALSE(device.batches.empty());
  for (const Batch& b : device.batches) EXPECT_GE(b.at, freed + age);
  EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free);
  rig.unregister_device(device);
}

TEST(AgedNeverTooEarly, AfterAnotherRegistration) {
  const Nanoseconds age = milliseconds(100);
  Rig rig(mebibytes(512));
  TestDevice device(rig.port);
  AgedPolicy policy(kOrder9, age);
  rig.box().fill();
  rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  rig.register_device(device, policy);
  rig.pass_time(seconds(1));
  device.batches.clear();
  rig.box().free_blocks({0}, kOrder9, 1, 1);
  const Nanoseconds freed = rig.port.now();
  for (int i = 0; i < 20; ++i) {
    rig.pass_time(milliseconds(26));
    rig.unregister_device(device);
    rig.register_device(device, policy);
  }
  rig.pass_time(seconds(1));
  ASSERT_EQ(device.batches.size(), 1u);
  EXPECT_GE(device.batches[0].at, freed + age);
  rig.unregister_device(device);
}

TEST(AgedZones, EachHasItsOwnAges) {
  const Nanoseconds age = milliseconds(100);
  Rig rig(mebibytes(512), 3);
  TestDevice device(rig.port);
  AgedPolicy policy(kOrder9, age);
  for (std::size_t i = 0; i < 3; ++i) {
    rig.box(i).fill();
    rig.box(i).free_blocks({i * Rig::kGap + mebibytes(256).raw}, kOrder10, 64, 1024);
  }
  rig.register_device(device, policy);
  rig.pass_time(seconds(1));
  device.batches.clear();
  std::vector<Nanoseconds> freed;
  for (std::size_t i = 0; i < 3; ++i) {
    rig.box(i).free_blocks({i * Rig::kGap}, kOrder9, 1, 1);
    freed.push_back(rig.port.now());
    rig.pass_time(milliseconds(33));
  }
  rig.pass_time(seconds(1));
  ASSERT_EQ(device.batches.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_GE(device.batches[i].at, freed[i] + age);
    EXPECT_LE(device.batches[i].at, freed[i] + half_more(age));
  }
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow::detail
