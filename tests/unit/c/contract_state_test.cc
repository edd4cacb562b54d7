// The clauses R8 to R14 of docs/contract.md through the C interface; contract_reports_test.cc has the others.
#include <atomic>
#include <thread>

#include "tests/support/c_rig.h"

namespace fallow {
namespace {

constexpr std::uint64_t frames_of(std::uint64_t mebibytes) { return mebibytes << 8; }

fallow_status register_in(CRig& rig, fallow_page_reporting_dev_info& device, const char* policy) {
  return fallow_page_reporting_register(rig.reporter(), &device, policy);
}

TEST(CR8Reported, OneFrameOfABlockLeavesTheOthersReported) {
  CRig rig(frames_of(64));
  CTestDevice device(rig.port);
  rig.register_device(device, "hwm:1");
  rig.run_due();
  ASSERT_EQ(rig.stats().reported, frames_of(64));
  const fallow_allocation one = fallow_allocate(rig.cache(), 0, FALLOW_MOVABLE);
  ASSERT_EQ(one.status, FALLOW_OK);
  EXPECT_EQ(fallow_cache_retire(rig.cache()), FALLOW_OK);
  EXPECT_EQ(rig.stats().reported, frames_of(64) - 1);
  device.record.batches.clear();
  rig.pass_time(seconds(10));
  EXPECT_TRUE(device.record.batches.empty()) << "an untouched frame is not reported again";
  rig.unregister_device(device);
}

TEST(CR9Unregister, DeadlockFromInsideReport) {
  CRig rig(frames_of(64));
  CTestDevice device(rig.port);
  device.record.answer = [&](Scatterlist, std::uint32_t) {
    EXPECT_EQ(fallow_page_reporting_unregister(rig.reporter(), &device), FALLOW_DEADLOCK);
    EXPECT_EQ(fallow_forget_reported(rig.reporter()), FALLOW_DEADLOCK);
    EXPECT_EQ(fallow_reporter_destroy(rig.reporter()), FALLOW_BUSY);
    EXPECT_EQ(register_in(rig, device, nullptr), FALLOW_BUSY);
    return Status::Ok;
  };
  rig.register_device(device, "hwm");
  rig.run_due();
  EXPECT_FALSE(device.record.batches.empty());
  rig.unregister_device(device);
}

TEST(CR9Unregister, WaitsForTheRequestInFlightAndThenReportsNothing) {
  CRig rig(frames_of(64));
  CTestDevice device(rig.port);
  std::uint32_t token = 0;
  device.record.answer = [&](Scatterlist, std::uint32_t t) {
    token = t;
    return Status::Pending;
  };
  rig.register_device(device, "hwm");
  rig.run_due();
  ASSERT_EQ(stats_of(rig.reporter()).in_flight, 1U);
  struct Waiter {
    CRig& rig;
    std::uint32_t token;
    int completed;
  } waiter{rig, token, 0};
  rig.port.on_relax({[](void* w) {
                       auto& self = *static_cast<Waiter*>(w);
                       if (self.completed++ > 0) return;
                       EXPECT_EQ(fallow_page_reporting_complete(self.rig.reporter(), self.token, FALLOW_OK),
                                 FALLOW_OK);
                     },
                     &waiter});
  rig.unregister_device(device);
  EXPECT_GT(waiter.completed, 0);
  EXPECT_EQ(fallow_page_reporting_complete(rig.reporter(), token, FALLOW_OK), FALLOW_INVALID_ARGUMENT);
  const std::size_t before = device.record.batches.size();
  rig.fill();
  rig.free_blocks(0, 10, 16, 1024);
  rig.pass_time(seconds(60));
  EXPECT_EQ(device.record.batches.size(), before);
  EXPECT_EQ(fallow_page_reporting_requested(rig.reporter(), 0), 0U);
}

TEST(CR10Resume, GoesOnWhereTheLastLeftOffUntilForgotten) {
  CRig rig(frames_of(64));
  CTestDevice first(rig.port), second(rig.port);
  rig.register_device(first, "hwm:1");
  rig.run_due();
  rig.unregister_device(first);
  rig.register_device(second, "hwm:1");
  rig.pass_time(seconds(10));
  EXPECT_TRUE(second.record.batches.empty());
  EXPECT_EQ(fallow_forget_reported(rig.reporter()), FALLOW_OK);
  EXPECT_EQ(rig.stats().reported, 0U);
  rig.pass_time(seconds(10));
  EXPECT_EQ(second.record.frames_shown().size(), frames_of(64));
  rig.unregister_device(second);
}

TEST(CR11NeverInTheWay, AnAllocationWaitsForTheFramesThatAreOut) {
  CRig rig(frames_of(64));
  CTestDevice device(rig.port, 512);
  std::vector<std::uint32_t> tokens;
  device.record.answer = [&](Scatterlist, std::uint32_t token) {
    tokens.push_back(token);
    return Status::Pending;
  };
  rig.register_device(device, "hwm:1");
  rig.run_due();
  const std::uint64_t isolated = rig.stats().isolated;
  ASSERT_GT(isolated, 0U);
  std::vector<std::uint64_t> got(frames_of(64));
  ASSERT_EQ(fallow_allocate_bulk(rig.cache(), 0, FALLOW_MOVABLE, got.data(), frames_of(64) - isolated),
            frames_of(64) - isolated);
  struct Waiter {
    CRig& rig;
    std::vector<std::uint32_t>& tokens;
  } waiter{rig, tokens};
  rig.port.on_relax({[](void* w) {
                       auto& self = *static_cast<Waiter*>(w);
                       if (self.tokens.empty()) return;
                       EXPECT_EQ(
                           fallow_page_reporting_complete(self.rig.reporter(), self.tokens.back(), FALLOW_OK),
                           FALLOW_OK);
                       self.tokens.pop_back();
                     },
                     &waiter});
  EXPECT_EQ(fallow_allocate(rig.cache(), 0, FALLOW_MOVABLE).status, FALLOW_OK);
  EXPECT_TRUE(tokens.empty());
  device.record.answer = nullptr;
  rig.unregister_device(device);
}

TEST(CR11NeverInTheWay, NothingIsIsolatedBelowTheLowWatermark) {
  CRig rig(frames_of(1024));
  rig.fill();
  CTestDevice device(rig.port);
  rig.register_device(device, "hwm:1");
  const std::uint64_t low = rig.stats().low_watermark;
  for (std::uint64_t i = 0; i < low / 1024; ++i) {
    rig.free_blocks(i * 1024, 10, 1, 1);
    rig.pass_time(milliseconds(200));
  }
  EXPECT_TRUE(device.record.batches.empty());
  rig.unregister_device(device);
}

TEST(CR12Content, IsToldAtAllocation) {
  for (const std::uint32_t content :
       {FALLOW_CONTENT_IS_UNKNOWN, FALLOW_CONTENT_IS_ZERO, FALLOW_CONTENT_IS_POISON}) {
    for (const bool kept : {true, false}) {
      CRig rig(frames_of(64));
      CTestDevice device(rig.port, 32, 1, content);
      device.record.answer = [&](Scatterlist, std::uint32_t) {
        return kept ? Status::Ok : Status::ContentUnknown;
      };
      EXPECT_EQ(fallow_allocate(rig.cache(), 9, FALLOW_MOVABLE).content_known, 0U);
      rig.register_device(device, "hwm:1");
      rig.run_due();
      const bool known = kept && content != FALLOW_CONTENT_IS_UNKNOWN;
      EXPECT_EQ(fallow_allocate(rig.cache(), 9, FALLOW_MOVABLE).content_known, known ? 1U : 0U);
      rig.unregister_device(device);
    }
  }
}

// A reporter does not know what the devices of an earlier reporter promised.
TEST(CR12Content, EndsWithTheReporter) {
  FakePort port;
  const fallow_port functions = c_port(port);
  const fallow_zone_config zone_config = {.base = 0, .frames = frames_of(64), .caches = 1, .flags = 0};
  CMemory zone_memory(fallow_zone_size(&zone_config));
  fallow_zone* zone = nullptr;
  ASSERT_EQ(
      fallow_zone_create(&functions, &zone_config, zone_memory.get(), fallow_zone_size(&zone_config), &zone),
      FALLOW_OK);
  const fallow_reporter_config config = {.zones = &zone, .zone_count = 1, .capacity = 0, .in_flight = 0};
  CMemory memory(fallow_reporter_size(&config));
  for (const std::uint32_t content : {FALLOW_CONTENT_IS_UNKNOWN, FALLOW_CONTENT_IS_ZERO}) {
    fallow_reporter* reporter = nullptr;
    ASSERT_EQ(
        fallow_reporter_create(&functions, &config, memory.get(), fallow_reporter_size(&config), &reporter),
        FALLOW_OK);
    CTestDevice device(port, 32, 1, content);
    ASSERT_EQ(fallow_page_reporting_register(reporter, &device, "hwm:1"), FALLOW_OK);
    EXPECT_EQ(fallow_allocate(fallow_zone_cache(zone, 0), 9, FALLOW_MOVABLE).content_known, 0U);
    while (fallow_reporter_run(reporter) != FALLOW_NEVER) {
    }
    EXPECT_FALSE(device.record.batches.empty()) << "everything is reported anew";
    ASSERT_EQ(fallow_page_reporting_unregister(reporter, &device), FALLOW_OK);
    ASSERT_EQ(fallow_reporter_destroy(reporter), FALLOW_OK);
  }
  EXPECT_EQ(fallow_zone_destroy(zone), FALLOW_OK);
}

TEST(CR13Depth, SeveralRequestsCompleteInAnyOrderAndOnlyOnce) {
  CRig rig(frames_of(64));
  CTestDevice device(rig.port, 2, 3);
  device.record.answer = [](Scatterlist, std::uint32_t) { return Status::Pending; };
  std::uint64_t done = 0;
  rig.fill();
  rig.free_blocks(0, 9, 16, 1024);
  rig.register_device(device, "hwm:1");
  rig.run_due();
  while (!device.record.batches.empty()) {
    std::vector<Batch> batches;
    batches.swap(device.record.batches);
    ASSERT_LE(batches.size(), 3U);
    EXPECT_EQ(stats_of(rig.reporter()).in_flight, batches.size());
    for (auto batch = batches.rbegin(); batch != batches.rend(); ++batch) {
      EXPECT_EQ(fallow_page_reporting_complete(rig.reporter(), batch->token, FALLOW_PENDING),
                FALLOW_INVALID_ARGUMENT);
      EXPECT_EQ(fallow_page_reporting_complete(rig.reporter(), batch->token, 77), FALLOW_INVALID_ARGUMENT);
      EXPECT_EQ(fallow_page_reporting_complete(rig.reporter(), batch->token, FALLOW_OK), FALLOW_OK);
      EXPECT_EQ(fallow_page_reporting_complete(rig.reporter(), batch->token, FALLOW_OK),
                FALLOW_INVALID_ARGUMENT);
      done += batch->entries.size();
    }
    rig.run_due();
  }
  EXPECT_EQ(stats_of(rig.reporter()).entries, done);
  EXPECT_EQ(rig.stats().reported, rig.stats().free);
  rig.unregister_device(device);
}

TEST(CR13Threads, AllocateAndFreeWhileTheWorkerReports) {
  CRig rig(frames_of(64), 1, 3);
  CTestDevice device(rig.port, 8);
  device.order = FALLOW_REPORT_SINGLE_FRAMES;
  rig.register_device(device, "hwm:1");
  std::atomic<int> left{2};
  const auto churn = [&](std::uint32_t number) {
    fallow_cache* const cache = fallow_zone_cache(rig.zone(), number);
    std::vector<std::uint64_t> mine(1024);
    for (std::uint32_t round = 0; round < 200; ++round) {
      EXPECT_EQ(fallow_allocate_bulk(cache, round % 3, FALLOW_MOVABLE, mine.data(), mine.size()),
                mine.size());
      EXPECT_EQ(fallow_free_bulk(cache, round % 3, mine.data(), mine.size(), nullptr), mine.size());
    }
    EXPECT_EQ(fallow_cache_retire(cache), FALLOW_OK);
    --left;
  };
  std::thread first(churn, 1), second(churn, 2);
  while (left > 0) fallow_reporter_run(rig.reporter());
  first.join();
  second.join();
  rig.run_due();
  EXPECT_EQ(rig.stats().free, frames_of(64));
  rig.unregister_device(device);
}

TEST(CR14Counts, CanBeRead) {
  CRig rig(frames_of(64));
  CTestDevice device(rig.port, 4);
  rig.fill();
  rig.free_blocks(0, 9, 8, 1024);
  rig.register_device(device, "hwm:1");
  rig.run_due();
  const fallow_reporting_stats reporting = stats_of(rig.reporter());
  EXPECT_EQ(reporting.requests, device.record.batches.size());
  EXPECT_EQ(reporting.reported, rig.stats().reported);
  EXPECT_EQ(reporting.failures, 0U);
  const fallow_zone_stats zone = rig.stats();
  EXPECT_EQ(zone.size, frames_of(64));
  EXPECT_EQ(zone.free, 8 * 512U);
  EXPECT_EQ(zone.used, frames_of(64) - 8 * 512);
  EXPECT_EQ(zone.reserved, 0U);
  EXPECT_EQ(fallow_allocate(rig.cache(), 9, FALLOW_MOVABLE).status, FALLOW_OK);
  EXPECT_EQ(rig.stats().refaults, 512U);
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow
