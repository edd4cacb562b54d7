// R4 worker.
#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

std::size_t zone_of(const Batch& batch) {
  return static_cast<std::size_t>(batch.entries.front().first.raw / Rig::kGap);
}

TEST(R4Worker, VisitsOnlyFlaggedZones) {
  Rig rig(mebibytes(256), 3);
  TestDevice device(rig.port);
  HwmPolicy policy;
  for (std::size_t i = 0; i < 3; ++i) rig.box(i).fill();
  rig.register_device(device, policy);
  rig.run_due();
  // 31 blocks in zone 0, below its threshold; 32 in zone 2.
  rig.box(0).free_blocks({0}, kOrder9, 31, 1024);
  rig.box(2).free_blocks({2 * Rig::kGap}, kOrder9, 32, 1024);
  rig.run_due();
  ASSERT_FALSE(device.batches.empty());
  for (const Batch& batch : device.batches) EXPECT_EQ(zone_of(batch), 2u);
  EXPECT_EQ(rig.box(0).stats().reported.raw, 0u);
  rig.unregister_device(device);
}

// Each run begins with the zone after the one with which the last run began.
TEST(R4Worker, GoesRoundRobinOverZones) {
  constexpr std::size_t kZones = 4;
  Rig rig(mebibytes(256), kZones);
  TestDevice device(rig.port, 512);
  HwmPolicy policy(kOrder9, 1);
  for (std::size_t i = 0; i < kZones; ++i) {
    rig.box(i).fill();
    rig.box(i).free_blocks({i * Rig::kGap}, kOrder10, 32, 1024);
  }
  rig.register_device(device, policy);
  rig.run_due();
  std::vector<std::size_t> began;
  for (std::uint64_t round = 0; round < 2 * kZones; ++round) {
    device.batches.clear();
    for (std::size_t i = 0; i < kZones; ++i) {
      rig.box(i).free_blocks({i * Rig::kGap + (32 + round) * 1024}, kOrder9, 1, 1);
    }
    rig.run_due();
    std::vector<bool> visited(kZones);
    for (const Batch& batch : device.batches) visited[zone_of(batch)] = true;
    EXPECT_EQ(std::count(visited.begin(), visited.end(), true), static_cast<int>(kZones));
    began.push_back(zone_of(device.batches.front()));
  }
  for (std::size_t i = 1; i < began.size(); ++i) EXPECT_EQ(began[i], (began[i - 1] + 1) % kZones);
  rig.unregister_device(device);
}

TEST(R4Worker, CoversAllFreeAreasThatAreAtTheThreshold) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port);
  HwmPolicy policy(Order{0}, 4);
  rig.box().fill();
  rig.box().free_blocks({mebibytes(400).raw}, kOrder10, 28, 1024);  // keeps the zone above its watermark
  rig.register_device(device, policy);
  rig.run_due();
  device.batches.clear();
  std::uint64_t expected = 0;
  for (std::uint8_t order = 0; order <= 10; ++order) {
    const std::uint64_t count = order % 2 == 0 ? 4 : 3;
    const std::uint64_t step = frames(Order{order}).raw * 2;
    rig.box().free_blocks({order * 8192U}, Order{order}, count, step);
    if (count == 4) expected += 4 * frames(Order{order}).raw;
  }
  rig.run_due();
  EXPECT_EQ(device.frames_shown().size(), expected);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  rig.unregister_device(device);
}

TEST(R4Flag, StaysUntilAllIsBelowTheThreshold) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port, 1);
  HwmPolicy policy;
  device.answer = [&](Scatterlist, std::uint32_t) {
    EXPECT_TRUE(rig.reporter().reporting_requested(0));
    return Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  EXPECT_GT(device.batches.size(), 1u);
  rig.unregister_device(device);
}

TEST(R4Flag, StaysWhileTheDeviceFails) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port);
  HwmPolicy policy;
  device.answer = [](Scatterlist, std::uint32_t) { return Status::Failed; };
  rig.register_device(device, policy);
  rig.pass_time(seconds(60));
  EXPECT_TRUE(rig.reporter().reporting_requested(0));
  rig.unregister_device(device);
}

// Frames freed from inside report(), while the pass is under way, are reported without a further free,
// whether they lie before or behind the position of the walk.
TEST(R4NoFreeIsLost, DuringReport) {
  for (const bool behind : {false, true}) {
    Rig rig(mebibytes(512), 1, 2);
    TestDevice device(rig.port, 8);
    HwmPolicy policy;
    rig.box().fill();
    rig.box().free_blocks({mebibytes(128).raw}, kOrder10, 64, 1024);
    bool freed = false;
    device.answer = [&](Scatterlist, std::uint32_t) {
      if (freed) return Status::Ok;
      freed = true;
      LocalCache& other = rig.zone().cache(1);
      for (std::uint64_t i = 0; i < 32; ++i) {
        EXPECT_EQ(other.free(Pfn{(behind ? mebibytes(384).raw : 0) + i * 1024}, kOrder9), Status::Ok);
      }
      other.drain();
      return Status::Ok;
    };
    rig.register_device(device, policy);
    rig.run_due();
    EXPECT_TRUE(freed);
    EXPECT_FALSE(rig.reporter().reporting_requested(0));
    EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free);
    device.expect_shown_once();
    rig.unregister_device(device);
  }
}

// The free happens in the last request of a pass, so no later part of the pass finds it.
TEST(R4NoFreeIsLost, AtTheVeryEndOfThePass) {
  Rig rig(mebibytes(512), 1, 2);
  TestDevice device(rig.port, 512);
  HwmPolicy policy(kOrder9, 1);
  rig.box().fill();
  rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  rig.register_device(device, policy);
  std::uint64_t next = 0;
  device.answer = [&](Scatterlist, std::uint32_t) {
    if (next < 50) {
      EXPECT_EQ(rig.zone().cache(1).free(Pfn{next++ * 512}, kOrder9), Status::Ok);
    }
    return Status::Ok;
  };
  rig.run_due();
  EXPECT_EQ(next, 50u);
  EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  rig.unregister_device(device);
}

// If the idle loops of two CPUs run the worker, only one works. The other's call is not lost: it has
// consumed the port's wakeup request.
TEST(R4NoFreeIsLost, WhenASecondCallerFindsTheWorkerBusy) {
  Rig rig(mebibytes(256), 2, 2);
  TestDevice device(rig.port);
  HwmPolicy policy(kOrder9, 1);
  for (std::size_t i = 0; i < 2; ++i) {
    rig.box(i).fill();
    rig.box(i).free_blocks({i * Rig::kGap + mebibytes(128).raw}, kOrder10, 32, 1024);
  }
  rig.register_device(device, policy);
  rig.run_due();
  // When zone 1 reports, zone 0 has been passed, or the other way round; the free is in the passed zone.
  bool freed = false;
  device.answer = [&](Scatterlist list, std::uint32_t) {
    const std::size_t passed = list.front().first.raw < Rig::kGap ? 1 : 0;
    if (freed || rig.reporter().reporting_requested(passed)) return Status::Ok;
    freed = true;
    EXPECT_EQ(rig.zone(passed).cache(1).free(Pfn{passed * Rig::kGap}, kOrder9), Status::Ok);
    while (rig.port.take_if_due()) rig.port.wake_at(rig.reporter().run());
    return Status::Ok;
  };
  for (std::size_t i = 0; i < 2; ++i) rig.box(i).free_blocks({i * Rig::kGap + 20480}, kOrder9, 1, 1);
  rig.run_due();
  EXPECT_TRUE(freed);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(rig.box(i).stats().reported, rig.box(i).stats().free) << i;
  rig.unregister_device(device);
}

// A device that takes pairs ignores single blocks: they do not keep the flag set.
TEST(R4Flag, IgnoresAreasBelowTheReportingOrder) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port);
  HwmPolicy policy(kOrder10);
  rig.box().fill();
  rig.box().free_blocks({0}, kOrder9, 64, 1024);
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_TRUE(device.batches.empty());
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  EXPECT_EQ(rig.port.next_deadline(), kNever);
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow::detail
