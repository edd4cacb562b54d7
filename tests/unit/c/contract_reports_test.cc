// The clauses R1 to R7 of docs/contract.md through the C interface; contract_state_test.cc has the others.
#include <random>

#include "tests/support/c_rig.h"

namespace fallow {
namespace {

constexpr std::uint64_t frames_of(std::uint64_t mebibytes) { return mebibytes << 8; }

fallow_status register_in(CRig& rig, fallow_page_reporting_dev_info& device, const char* policy) {
  return fallow_page_reporting_register(rig.reporter(), &device, policy);
}

TEST(CR1Register, TakesTheListStartsReportingAndGivesTheListBack) {
  CRig rig(frames_of(256));
  CTestDevice device(rig.port, 7, 3);
  rig.register_device(device, "hwm");
  EXPECT_GE(rig.port.live_bytes().raw, 7 * 3 * sizeof(fallow_scatterlist));
  EXPECT_EQ(fallow_page_reporting_requested(rig.reporter(), 0), 1U);
  EXPECT_EQ(rig.port.next_deadline(), rig.port.now());
  EXPECT_EQ(fallow_reporter_next_deadline(rig.reporter()), rig.port.now().raw);
  rig.unregister_device(device);
  EXPECT_EQ(rig.port.live_bytes().raw, 0U);
}

TEST(CR1Register, BusyAndTheFirstGoesOn) {
  CRig rig(frames_of(64));
  CTestDevice first(rig.port, 3), second(rig.port, 5);
  rig.register_device(first, "hwm");
  EXPECT_EQ(register_in(rig, second, "hwm"), FALLOW_BUSY);
  EXPECT_EQ(register_in(rig, first, "hwm"), FALLOW_BUSY);
  EXPECT_EQ(fallow_page_reporting_unregister(rig.reporter(), &second), FALLOW_NOT_FOUND);
  rig.run_due();
  EXPECT_TRUE(second.record.batches.empty());
  EXPECT_EQ(first.record.frames_shown().size(), frames_of(64));
  rig.unregister_device(first);
}

TEST(CR1Register, InvalidArgumentAndNoMemoryChangeNothing) {
  CRig rig(frames_of(64));
  CTestDevice device(rig.port);
  const auto refused = [&](fallow_status why, const char* policy, auto change) {
    fallow_page_reporting_dev_info info = device;
    change(info);
    EXPECT_EQ(register_in(rig, info, policy), why) << (policy == nullptr ? "none" : policy);
    EXPECT_EQ(rig.port.live_allocations(), 0U);
    EXPECT_EQ(fallow_page_reporting_requested(rig.reporter(), 0), 0U);
    EXPECT_EQ(rig.run(), kNever);
    EXPECT_EQ(fallow_page_reporting_unregister(rig.reporter(), &info), FALLOW_NOT_FOUND);
  };
  const auto same = [](auto&) {};
  refused(FALLOW_INVALID_ARGUMENT, "hwm", [](auto& info) { info.report = nullptr; });
  refused(FALLOW_INVALID_ARGUMENT, "hwm", [](auto& info) { info.capacity = 0; });
  refused(FALLOW_INVALID_ARGUMENT, "hwm", [](auto& info) { info.in_flight = 65537; });
  refused(FALLOW_INVALID_ARGUMENT, "hwm", [](auto& info) { info.order = 11; });
  refused(FALLOW_INVALID_ARGUMENT, "hwm", [](auto& info) { info.content_after = 3; });
  for (const char* policy :
       {"", "hw", "hwmm", "hwm:", "hwm:0", "hwm:x", "hwm:4294967296", "hwm:1 ", "linux:1", "none",
        "aged:", "aged:5", "aged:0ms", "aged:25h", "aged:ms", "aged:99999999999999999999s", "Aged"})
    refused(FALLOW_INVALID_ARGUMENT, policy, same);
  for (std::uint64_t i = 1; i <= 2; ++i) {
    rig.port.fail_allocation_at(i);
    refused(FALLOW_NO_MEMORY, "hwm", same);
  }
  rig.register_device(device, "hwm");
  rig.unregister_device(device);
}

TEST(CR2ExistingPages, AreReportedUnderEveryPolicy) {
  for (const char* policy : {"aged", "aged:1ms", "aged:24h", "aged:3s", "hwm", "hwm:1", "linux",
                             static_cast<const char*>(nullptr)}) {
    CRig rig(frames_of(128), 2);
    CTestDevice device(rig.port);
    rig.register_device(device, policy);
    rig.pass_time(seconds(100'000));
    EXPECT_EQ(device.record.frames_shown().size(), frames_of(256));
    device.record.expect_shown_once();
    EXPECT_EQ(rig.stats(0).reported, frames_of(128));
    EXPECT_EQ(rig.stats(1).reported, frames_of(128));
    rig.unregister_device(device);
  }
}

// The text of a policy sets its parameters: "aged" is 100 ms, and a threshold is counted in blocks.
TEST(CR3Trigger, AtTheThresholdAndNotBefore) {
  for (const std::uint64_t threshold : {std::uint64_t{0}, std::uint64_t{5}}) {
    CRig rig(frames_of(512));
    CTestDevice device(rig.port);
    rig.fill();
    rig.free_blocks(frames_of(256), 10, 64, 1024);
    rig.register_device(device, threshold == 0 ? "hwm" : "hwm:5");
    rig.run_due();
    device.record.batches.clear();
    const std::uint64_t blocks = threshold == 0 ? FALLOW_PAGE_REPORTING_HWM : threshold;
    rig.free_blocks(0, 9, blocks - 1, 1024);
    EXPECT_EQ(fallow_page_reporting_requested(rig.reporter(), 0), 0U);
    rig.pass_time(seconds(60));
    EXPECT_TRUE(device.record.batches.empty());
    rig.free_blocks((blocks - 1) * 1024, 9, 1, 1);
    EXPECT_EQ(fallow_page_reporting_requested(rig.reporter(), 0), 1U);
    rig.run_due();
    EXPECT_EQ(device.record.frames_shown().size(), blocks * 512);
    rig.unregister_device(device);
  }
}

TEST(CR3Trigger, AgesAreAsTheTextSays) {
  struct {
    const char* policy;
    Nanoseconds age;
  } const cases[] = {{"aged", milliseconds(100)},      {nullptr, milliseconds(100)},
                     {"aged:20ms", milliseconds(20)},  {"aged:2s", seconds(2)},
                     {"aged:5000us", milliseconds(5)}, {"aged:1m", seconds(60)},
                     {"aged:2.5ms", {2'500'000}},      {"aged:1000000ns", milliseconds(1)}};
  for (const auto& [policy, age] : cases) {
    CRig rig(frames_of(64));
    CTestDevice device(rig.port);
    rig.register_device(device, policy);
    rig.pass_time(seconds(600));
    device.record.batches.clear();
    const fallow_allocation block = fallow_allocate(rig.cache(), 9, FALLOW_MOVABLE);
    ASSERT_EQ(block.status, FALLOW_OK);
    rig.free_blocks(block.pfn, 9, 1, 1);
    const Nanoseconds freed = rig.port.now();
    rig.pass_time({age.raw * 4});
    ASSERT_EQ(device.record.batches.size(), 1U) << (policy == nullptr ? "none" : policy);
    const std::uint64_t waited = (device.record.batches[0].at - freed).raw;
    EXPECT_GE(waited, age.raw) << policy;
    EXPECT_LE(waited, age.raw + age.raw / 4) << policy;
    rig.unregister_device(device);
  }
}

TEST(CR4Worker, VisitsOnlyFlaggedZones) {
  CRig rig(frames_of(256), 3);
  CTestDevice device(rig.port);
  for (std::size_t i = 0; i < 3; ++i) rig.fill(i);
  rig.register_device(device, "hwm");
  rig.run_due();
  rig.free_blocks(0, 9, 31, 1024);
  rig.free_blocks(2 * CRig::kGap, 9, 32, 1024);
  rig.run_due();
  ASSERT_FALSE(device.record.batches.empty());
  for (const Batch& batch : device.record.batches)
    EXPECT_EQ(batch.entries.front().first.raw / CRig::kGap, 2U);
  rig.unregister_device(device);
}

TEST(CR5Batch, HasTheShape) {
  for (const std::uint32_t order : {FALLOW_REPORT_SINGLE_FRAMES, 1U, 3U, 9U, 10U, 0U}) {
    CRig rig(frames_of(64));
    CTestDevice device(rig.port, 3);
    device.order = order;
    rig.fill();
    std::mt19937_64 random(order);
    for (std::uint64_t pfn = 0; pfn < frames_of(64); pfn += 16) {
      if (random() % 4 != 0) rig.free_blocks(pfn, 4, 1, 1);
    }
    rig.register_device(device, "hwm:1");
    rig.run_due();
    const unsigned smallest = order == FALLOW_REPORT_SINGLE_FRAMES ? 0 : order == 0 ? 9 : order;
    device.record.expect_batches_well_formed(Order{static_cast<std::uint8_t>(smallest)});
    device.record.expect_shown_once();
    EXPECT_EQ(device.record.batches.empty(), smallest >= 9) << "runs of 2 MiB are too rare at random";
    rig.unregister_device(device);
  }
}

TEST(CR6Isolation, FramesCanBeNeitherAllocatedNorFreed) {
  CRig rig(frames_of(64), 1, 2);
  CTestDevice device(rig.port, 8);
  int checked = 0;
  device.record.answer = [&](Scatterlist list, std::uint32_t) {
    if (++checked > 1) return Status::Ok;
    EXPECT_GT(rig.stats().isolated, 0U);
    EXPECT_EQ(fallow_free(rig.cache(1), list.front().first.raw, 0), FALLOW_NOT_ALLOCATED);
    std::vector<std::uint64_t> got(frames_of(64));
    const std::size_t n = fallow_allocate_bulk(rig.cache(1), 0, FALLOW_MOVABLE, got.data(), got.size());
    EXPECT_EQ(n + rig.stats().isolated, frames_of(64));
    for (std::size_t i = 0; i < n; ++i) EXPECT_FALSE(device.record.batches.back().holds({got[i]}));
    EXPECT_EQ(fallow_free_bulk(rig.cache(1), 0, got.data(), n, nullptr), n);
    EXPECT_EQ(fallow_cache_drain(rig.cache(1)), FALLOW_OK);
    return Status::Ok;
  };
  rig.register_device(device, "hwm:1");
  rig.run_due();
  EXPECT_GT(checked, 0);
  rig.unregister_device(device);
}

TEST(CR7Return, UnreportedAfterAnyOtherAnswerAndTriedAgain) {
  for (const std::uint32_t answer : {6U, 1U, 3U, 9U, 12U, 200U}) {
    CRig rig(frames_of(64));
    CTestDevice device(rig.port);
    device.record.answer = [&](Scatterlist, std::uint32_t) { return static_cast<Status>(answer); };
    rig.register_device(device, "hwm");
    rig.run_due();
    EXPECT_EQ(device.record.batches.size(), 1U);
    EXPECT_EQ(rig.stats().free, frames_of(64));
    EXPECT_EQ(rig.stats().reported, 0U);
    EXPECT_EQ(rig.stats().isolated, 0U);
    device.record.answer = nullptr;
    rig.pass_time(milliseconds(99));
    EXPECT_EQ(device.record.batches.size(), 1U) << "a busy loop";
    rig.pass_time(milliseconds(1));
    EXPECT_EQ(rig.stats().reported, frames_of(64));
    std::uint64_t free = 0, reported = 0;
    EXPECT_EQ(fallow_zone_free_area(rig.zone(), 10, &free, &reported), FALLOW_OK);
    EXPECT_EQ(free, 16U);
    EXPECT_EQ(reported, 16U);
    rig.unregister_device(device);
  }
}

}  // namespace
}  // namespace fallow
