// R11 allocations never fail because of reporting, R12 content.
#include <atomic>
#include <thread>

#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

// The port's relax() performs what another thread would do meanwhile.
struct Meanwhile {
  std::function<void()> act;
  explicit Meanwhile(FakePort& port, std::function<void()> what) : act(std::move(what)) {
    port.on_relax({[](void* self) { static_cast<Meanwhile*>(self)->act(); }, this});
  }
};

// Everything that is left of a zone is isolated; the request is pending until an allocation waits.
TEST(R11NeverInTheWay, AnAllocationWaitsForTheFramesThatAreOut) {
  for (const bool succeeds : {true, false}) {
    for (const unsigned order : {0U, 1U, 5U, 6U, 8U, 9U, 10U}) {
      Rig rig(mebibytes(64), 1, 2);
      TestDevice device(rig.port, 512, 1);
      HwmPolicy policy(Order{0}, 1);
      bool tried = false;
      std::uint32_t token = 0;
      bool pending = false;
      Meanwhile other(rig.port, [&] {
        if (!pending) return;
        pending = false;
        EXPECT_EQ(rig.reporter().complete(token, succeeds ? Status::Ok : Status::Failed), Status::Ok);
      });
      device.answer = [&](Scatterlist, std::uint32_t t) {
        token = t;
        pending = true;
        return Status::Pending;
      };
      rig.register_device(device, policy);
      // The second request waits in relax() for the first to complete, so that finally one is in flight.
      rig.port.advance_to(rig.port.now());
      static_cast<void>(rig.reporter().run());
      if (!pending) {
        // Everything was reported: use it up and report it again; the last request stays in flight.
        rig.box().fill();
        rig.box().free_blocks({0}, kOrder10, 16, 1024);
        static_cast<void>(rig.reporter().run());
      }
      // Allocates everything except the isolated frames; then one more.
      const std::uint64_t isolated = rig.box().stats().isolated.raw;
      ASSERT_GT(isolated, 0u);
      std::vector<Pfn> got;
      while (rig.box().stats().free.raw > 0) {
        const Allocation a = rig.cache().allocate();
        ASSERT_TRUE(a.ok());
        got.push_back(a.pfn);
      }
      ASSERT_TRUE(pending);
      tried = true;
      const Allocation a = rig.cache().allocate(Order{static_cast<std::uint8_t>(order)});
      EXPECT_TRUE(a.ok()) << "order " << order;
      EXPECT_FALSE(pending);
      EXPECT_TRUE(tried);
      device.answer = nullptr;
      rig.unregister_device(device);
    }
  }
}

TEST(R11NeverInTheWay, WithRealThreads) {
  FakePort port;
  ZoneBox box(port, mebibytes(64), 2);
  Zone* const zones[] = {&box.zone()};
  Reporter reporter(port, zones);
  TestDevice device(port, 512);
  HwmPolicy policy(Order{0}, 1);
  std::atomic<bool> inside{false}, let_go{false};
  device.answer = [&](Scatterlist, std::uint32_t) {
    inside = true;
    while (!let_go) std::this_thread::yield();
    return Status::Ok;
  };
  ASSERT_EQ(reporter.register_device(device, policy), Status::Ok);
  std::thread worker([&] { static_cast<void>(reporter.run()); });
  while (!inside) std::this_thread::yield();
  std::thread releases([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    let_go = true;
  });
  std::uint64_t n = 0;
  while (box.cache().allocate().ok()) ++n;
  EXPECT_EQ(n, mebibytes(64).raw) << "an allocation failed while frames were isolated";
  worker.join();
  releases.join();
  EXPECT_EQ(reporter.unregister_device(device), Status::Ok);
}

TEST(R11NeverInTheWay, InsideReportAnAllocationFailsInsteadOfHanging) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port);
  HwmPolicy policy(Order{0}, 1);
  int tried = 0;
  device.answer = [&](Scatterlist, std::uint32_t) {
    if (++tried > 2) return Status::Ok;
    std::vector<Pfn> got;
    for (Allocation a = rig.cache().allocate(); a.ok(); a = rig.cache().allocate()) got.push_back(a.pfn);
    for (std::uint8_t o = 0; o <= 10; ++o) EXPECT_EQ(rig.cache().allocate(Order{o}).status, Status::NoMemory);
    for (const Pfn p : got) EXPECT_EQ(rig.cache().free(p), Status::Ok);
    rig.cache().drain();
    return Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_GE(tried, 2);
  rig.unregister_device(device);
}

TEST(R11NeverInTheWay, NothingIsIsolatedBelowTheLowWatermark) {
  for (const unsigned order : {0U, 3U, 9U, 10U}) {
    Rig rig(mebibytes(1024));
    const PfnCount low = rig.zone().low_watermark();
    ASSERT_GE(low.raw, 2048u);
    rig.box().fill();
    TestDevice device(rig.port);
    HwmPolicy policy(Order{static_cast<std::uint8_t>(order)}, 1);
    device.answer = [&](Scatterlist, std::uint32_t) {
      EXPECT_GE(rig.box().stats().free, low) << "the low watermark can still be allocated";
      return Status::Ok;
    };
    rig.register_device(device, policy);
    for (std::uint64_t i = 0; i < 2 * low.raw / 1024; ++i) {
      rig.box().free_blocks({i * 1024}, kOrder10, 1, 1);
      rig.pass_time(milliseconds(200));
      if (rig.box().stats().free < low) {
        EXPECT_TRUE(device.batches.empty());
      }
    }
    // The worker did not forget the frames: everything above the watermark is reported.
    EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free) << order;
    rig.unregister_device(device);
  }
}

TEST(R11NeverInTheWay, BelowTheWatermarkTheWorkerDoesNotSpin) {
  Rig rig(mebibytes(1024));
  rig.box().fill();
  TestDevice device(rig.port);
  HwmPolicy hwm(Order{0}, 1);
  AgedPolicy aged(Order{0});
  LinuxPolicy linux_policy;
  for (Policy* policy :
       {static_cast<Policy*>(&hwm), static_cast<Policy*>(&aged), static_cast<Policy*>(&linux_policy)}) {
    rig.register_device(device, *policy);
    rig.box().free_blocks({0}, kOrder9, 1, 1);
    int runs = 0;
    const Nanoseconds end = rig.port.now() + seconds(10);
    while (rig.port.next_deadline() <= end && runs < 10000) {
      if (rig.port.next_deadline() > rig.port.now()) rig.port.advance_to(rig.port.next_deadline());
      if (rig.port.take_if_due()) rig.port.wake_at(rig.reporter().run());
      ++runs;
    }
    EXPECT_LT(runs, 1000);
    EXPECT_TRUE(device.batches.empty());
    rig.unregister_device(device);
    ASSERT_TRUE(rig.cache().allocate(kOrder9).ok());
  }
}

// A guest of 64 MiB reports what is free at once, and what becomes free later with a threshold that such a
// zone can reach. The policy linux does not: its margin of one full request of 32 blocks is the whole zone.
TEST(R11SmallZone, ReportsWithEveryPolicyButLinux) {
  HwmPolicy hwm(kOrder9, 8), hwm_low(Order{0});
  AgedPolicy aged, aged_low(Order{0});
  LinuxPolicy linux_policy;
  struct {
    Policy* policy;
    bool reports;
  } const all[] = {{&hwm, true}, {&hwm_low, true}, {&aged, true}, {&aged_low, true}, {&linux_policy, false}};
  for (const auto& each : all) {
    Rig rig(mebibytes(64));
    TestDevice device(rig.port, 32);
    // 16 MiB are in use.
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(rig.cache().allocate(kOrder9).ok());
    if (each.policy == &hwm_low) {
      rig.box().fill();
      rig.box().free_blocks({0}, Order{0}, 5000, 2);
    }
    rig.register_device(device, *each.policy);
    rig.pass_time(seconds(30));
    EXPECT_EQ(rig.box().stats().reported, each.reports ? rig.box().stats().free : PfnCount{0});
    rig.unregister_device(device);
  }
}

TEST(R11Half, ARequestTakesAtMostHalfOfWhatIsAboveTheWatermark) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port, 512);
  HwmPolicy policy(kOrder9, 1);
  device.answer = [&](Scatterlist, std::uint32_t) {
    EXPECT_GE(rig.box().stats().free.raw, mebibytes(256).raw / 2);
    return Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_EQ(rig.box().stats().reported, mebibytes(256));
  rig.unregister_device(device);
}

// R12: two devices in turn, and the content guarantee of frames reported before and after.
struct Promises {
  std::vector<Content> devices;
  bool told;
};

class R12Content : public ::testing::TestWithParam<Promises> {};

TEST_P(R12Content, ThePromiseIsTold) {
  Rig rig(mebibytes(64));
  HwmPolicy policy(kOrder9, 1);
  std::uint64_t part = 0;
  rig.box().fill();
  for (const Content promise : GetParam().devices) {
    TestDevice device(rig.port, 32, 1, promise);
    rig.box().free_blocks({part * 4096}, kOrder9, 8, 512);
    ++part;
    rig.register_device(device, policy);
    rig.run_due();
    rig.unregister_device(device);
  }
  ASSERT_EQ(rig.box().stats().reported.raw, part * 4096);
  for (const unsigned order : {0U, 3U, 9U, 0U, 8U, 10U}) {
    const Allocation a = rig.cache().allocate(Order{static_cast<std::uint8_t>(order)});
    ASSERT_TRUE(a.ok());
    EXPECT_EQ(a.content_known, GetParam().told) << order;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Devices, R12Content,
    ::testing::Values(Promises{{Content::Unknown}, false}, Promises{{Content::Zero}, true},
                      Promises{{Content::Poison}, true}, Promises{{Content::Zero, Content::Zero}, true},
                      Promises{{Content::Zero, Content::Poison}, false},
                      Promises{{Content::Zero, Content::Unknown}, false},
                      Promises{{Content::Unknown, Content::Zero}, false},
                      Promises{{Content::Zero, Content::Unknown, Content::Zero}, false}));

TEST(R12Told, OnlyForFramesThatAreReportedAllOver) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port, 32, 1, Content::Zero);
  HwmPolicy policy(Order{0}, 1);
  rig.register_device(device, policy);
  rig.run_due();
  // One frame of each block is used, freed, and not yet reported.
  std::vector<Allocation> all;
  for (Allocation a = rig.cache().allocate(kOrder9); a.ok(); a = rig.cache().allocate(kOrder9)) {
    EXPECT_TRUE(a.content_known);
    all.push_back(a);
  }
  for (const Allocation& a : all) ASSERT_EQ(rig.cache().free(a.pfn + PfnCount{7}, Order{0}), Status::Ok);
  for (const Allocation& a : all) {
    for (std::uint64_t i = 0; i < 512; ++i) {
      if (i != 7) {
        ASSERT_EQ(rig.cache().free(a.pfn + PfnCount{i}), Status::Ok);
      }
    }
  }
  rig.cache().drain();
  rig.run_due();
  EXPECT_EQ(rig.box().stats().reported, mebibytes(64));
  const Allocation one = rig.cache().allocate();
  EXPECT_TRUE(one.content_known);
  ASSERT_EQ(rig.cache().free(one.pfn), Status::Ok);
  // The frame is allocated from the hand again: it was touched.
  bool found = false;
  for (int i = 0; i < 64 && !found; ++i) {
    const Allocation again = rig.cache().allocate();
    found = again.pfn == one.pfn;
    EXPECT_EQ(again.content_known, !found);
  }
  EXPECT_TRUE(found);
  rig.unregister_device(device);
}

TEST(R12Told, NotForABlockWithOneTouchedFrame) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port, 32, 1, Content::Zero);
  HwmPolicy policy(kOrder9, 1);
  rig.register_device(device, policy);
  rig.run_due();
  const Allocation one = rig.cache().allocate();
  ASSERT_EQ(rig.cache().free(one.pfn), Status::Ok);
  rig.cache().drain();
  int without = 0;
  for (Allocation a = rig.cache().allocate(kOrder9); a.ok(); a = rig.cache().allocate(kOrder9)) {
    without += a.content_known ? 0 : 1;
  }
  EXPECT_EQ(without, 1);
  rig.unregister_device(device);
}

TEST(R12Told, NeverForAFailedReport) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port, 32, 1, Content::Zero);
  HwmPolicy policy(kOrder9, 1);
  device.answer = [](Scatterlist, std::uint32_t) { return Status::Failed; };
  rig.register_device(device, policy);
  rig.run_due();
  for (std::uint8_t o = 0; o <= 10; ++o) EXPECT_FALSE(rig.cache().allocate(Order{o}).content_known);
  rig.unregister_device(device);
}

TEST(R12Told, AfterForgettingThePromiseOfTheNextCounts) {
  Rig rig(mebibytes(64));
  TestDevice zero(rig.port, 32, 1, Content::Zero), none(rig.port);
  HwmPolicy policy(kOrder9, 1);
  rig.register_device(zero, policy);
  rig.run_due();
  rig.unregister_device(zero);
  rig.register_device(none, policy);
  rig.unregister_device(none);
  EXPECT_FALSE(rig.cache().allocate(kOrder9).content_known) << "mixed";
  ASSERT_EQ(rig.reporter().forget_reported(), Status::Ok);
  EXPECT_FALSE(rig.cache().allocate(kOrder9).content_known) << "forgotten";
  rig.register_device(zero, policy);
  rig.run_due();
  EXPECT_TRUE(rig.cache().allocate(kOrder9).content_known);
  rig.unregister_device(zero);
}

// The device took the frames, but its content guarantee no longer holds, for these frames and for all
// earlier ones.
TEST(R12Told, NotAfterTheDeviceWithdrewIt) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port, 1, 1, Content::Zero);
  HwmPolicy policy(kOrder9, 1);
  device.answer = [&](Scatterlist, std::uint32_t) {
    return device.batches.size() < 3 ? Status::Ok : Status::ContentUnknown;
  };
  rig.register_device(device, policy);
  rig.run_due();
  ASSERT_GE(device.batches.size(), 3u);
  EXPECT_EQ(rig.box().stats().reported, mebibytes(64)) << "the frames count as reported";
  EXPECT_EQ(rig.reporter().stats().failures, 0u);
  for (std::uint8_t o = 0; o <= 10; ++o) EXPECT_FALSE(rig.cache().allocate(Order{o}).content_known);
  rig.unregister_device(device);
  rig.register_device(device, policy);
  EXPECT_FALSE(rig.cache().allocate(kOrder9).content_known) << "frames of both kinds exist";
  rig.unregister_device(device);
}

TEST(R12Told, NotAfterACompletionWithdrewIt) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port, 32, 1, Content::Zero);
  HwmPolicy policy(kOrder9, 1);
  device.answer = [](Scatterlist, std::uint32_t) { return Status::Pending; };
  rig.register_device(device, policy);
  rig.run_due();
  ASSERT_EQ(device.batches.size(), 1u);
  ASSERT_EQ(rig.reporter().complete(device.batches[0].token, Status::ContentUnknown), Status::Ok);
  EXPECT_GT(rig.box().stats().reported.raw, 0u);
  const Allocation a = rig.cache().allocate(kOrder9);
  EXPECT_TRUE(a.ok());
  EXPECT_FALSE(a.content_known);
  device.answer = nullptr;
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow::detail
