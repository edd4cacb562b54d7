// Isolation and putting back: which runs, how many, and which are left behind.
#include "fallow/zone/detail/isolation.h"

#include <algorithm>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

constexpr PfnCount kNoLimit{~std::uint64_t{0}};

class IsolationTest : public ZoneTest {
 protected:
  struct Filled {
    std::vector<ScatterEntry> list;
    bool left = false;
    bool done = false;
  };
  Filled fill(const Selection& selection, std::size_t capacity = 64, PfnCount most = kNoLimit) {
    Isolation isolation(zone().tables(), selection);
    Filled filled;
    filled.list.resize(capacity);
    filled.list.resize(isolation.fill(filled.list, most));
    filled.left = isolation.left_something();
    filled.done = isolation.done();
    return filled;
  }
  static Selection order(unsigned n) {
    Selection selection;
    selection.order = {static_cast<std::uint8_t>(n)};
    return selection;
  }
  PfnCount isolated() { return zone_stats(zone()).isolated; }
};

TEST_F(IsolationTest, NeighboursAreOneEntry) {
  const Filled all = fill({});
  ASSERT_EQ(all.list.size(), 1u);
  EXPECT_EQ(all.list[0].first, kBase);
  EXPECT_EQ(all.list[0].count.raw, kBlocks * kBlockFrames);
  EXPECT_TRUE(all.done);
  EXPECT_FALSE(all.left);
  EXPECT_EQ(isolated().raw, kBlocks * kBlockFrames);
  EXPECT_EQ(free_frames(zone()).raw, 0u);
  put_back(zone().tables(), all.list, true);
  EXPECT_EQ(isolated().raw, 0u);
  EXPECT_EQ(reported().raw, kBlocks * kBlockFrames);
}

TEST_F(IsolationTest, OrEachBlockIsOneWhenNotJoined) {
  Selection selection;
  selection.join = false;
  const Filled all = fill(selection);
  EXPECT_EQ(all.list.size(), kBlocks);
  put_back(zone().tables(), all.list, true);
}

TEST_F(IsolationTest, WhatIsIsolatedCannotBeAllocated) {
  const Filled all = fill({});
  port().on_relax({[](void*) { FAIL() << "the reporter itself does not wait"; }, nullptr});
  zone().tables().reports().reporter.store(port().current());
  for (std::uint8_t o = 0; o <= kMaxOrder.raw; ++o) {
    EXPECT_EQ(cache().allocate({o}).status, Status::NoMemory);
  }
  zone().tables().reports().reporter.store(0);
  put_back(zone().tables(), all.list, true);
}

// R11: an allocation waits for isolated frames.
TEST_F(IsolationTest, AnAllocationWaitsForTheRequestInFlight) {
  struct Waiting {
    Zone& zone;
    Filled all;
    unsigned rounds = 0;
  } waiting{zone(), fill({})};
  port().on_relax({[](void* context) {
                     auto& w = *static_cast<Waiting*>(context);
                     if (++w.rounds == 5) put_back(w.zone.tables(), w.all.list, true);
                   },
                   &waiting});
  must_allocate();
  EXPECT_EQ(waiting.rounds, 5u);
}

TEST_F(IsolationTest, AFailedReportIsTriedAgain) {
  const Filled all = fill({});
  put_back(zone().tables(), all.list, false);
  EXPECT_EQ(reported().raw, 0u);
  EXPECT_EQ(report(), kBlocks * kBlockFrames);
}

TEST_F(IsolationTest, NothingIsReportedTwice) {
  EXPECT_EQ(report(), kBlocks * kBlockFrames);
  EXPECT_EQ(report(), 0u);
  EXPECT_EQ(report_order(0), 0u);
  EXPECT_EQ(report_order(10), 0u);
}

TEST_F(IsolationTest, NoMoreThanAskedFor) {
  const Filled two = fill({}, 64, {2 * kBlockFrames + 511});
  EXPECT_EQ(isolated().raw, 2 * kBlockFrames);
  EXPECT_TRUE(two.left);
  EXPECT_FALSE(two.done);
  const Filled none = fill({}, 64, {511});
  EXPECT_TRUE(none.list.empty());
  const Filled some = fill(order(0), 64, {511});
  ASSERT_FALSE(some.list.empty());
  EXPECT_EQ(isolated().raw, 2 * kBlockFrames + 480) << "whole words of a free block";
  expect_consistent();
  put_back(zone().tables(), two.list, true);
  put_back(zone().tables(), some.list, true);
  EXPECT_EQ(report_order(0), (kBlocks - 2) * kBlockFrames - 480);
}

TEST_F(IsolationTest, NoMoreEntriesThanTheListHas) {
  for (std::uint64_t i = 0; i < kBlocks * kBlockFrames; ++i) must_allocate();
  for (std::uint64_t i = 0; i < kBlocks * kBlockFrames; i += 2) must_free(kBase + PfnCount{i});
  drain_all();
  std::uint64_t total = 0;
  Isolation isolation(zone().tables(), order(0));
  std::vector<ScatterEntry> list(7);
  while (const std::uint32_t n = isolation.fill(list, kNoLimit)) {
    EXPECT_LE(n, 7u);
    for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(list[i].count.raw, 1u);
    total += n;
    expect_consistent();
    put_back(zone().tables(), {list.data(), n}, true);
  }
  EXPECT_EQ(total, kBlocks * kBlockFrames / 2);
  EXPECT_TRUE(isolation.done());
}

class IsolationOrder : public IsolationTest, public testing::WithParamInterface<unsigned> {};

// One frame in the middle is used: all remaining aligned runs of the order are isolated.
TEST_P(IsolationOrder, RunsOfTheOrderAroundAUsedFrame) {
  const std::uint64_t size = frames({static_cast<std::uint8_t>(GetParam())}).raw;
  const std::uint64_t used_at = 5 * kBlockFrames + 77;
  for (const Pfn pfn : allocate_many(kBlocks * kBlockFrames)) {
    if (pfn != kBase + PfnCount{used_at}) must_free(pfn);
  }
  drain_all();
  const Filled got = fill(order(GetParam()));
  std::uint64_t total = 0;
  for (const ScatterEntry& e : got.list) {
    EXPECT_EQ((e.first - kBase).raw % size, 0u);
    EXPECT_EQ(e.count.raw % size, 0u);
    EXPECT_FALSE(e.first.raw - kBase.raw <= used_at && used_at < e.first.raw - kBase.raw + e.count.raw);
    total += e.count.raw;
  }
  EXPECT_EQ(total, kBlocks * kBlockFrames - size);
  expect_consistent();
  put_back(zone().tables(), got.list, true);
  expect_consistent();
  EXPECT_EQ(report_order(GetParam()), 0u);
}

INSTANTIATE_TEST_SUITE_P(, IsolationOrder, testing::Range(0U, kMaxOrder.raw + 1U));

TEST_F(IsolationTest, OnlyTheFreeAreasAskedFor) {
  // A block's first frame is used, so that it has one free run of each order 0 to 8.
  const Pfn used = must_allocate();
  ASSERT_TRUE(aligned(used, kBlockOrder));
  drain_all();
  for (unsigned o = 0; o < kBlockOrder.raw; ++o) {
    Selection selection = order(0);
    selection.areas = 1U << o;
    const Filled got = fill(selection);
    ASSERT_EQ(got.list.size(), 1u) << o;
    EXPECT_EQ(got.list[0].first.raw, used.raw + (1U << o));
    EXPECT_EQ(got.list[0].count.raw, 1U << o);
    EXPECT_TRUE(got.left);
    put_back(zone().tables(), got.list, false);
  }
  Selection nine;
  nine.areas = 1U << 9;
  const Filled single = fill(nine);
  ASSERT_EQ(single.list.size(), 1u);
  EXPECT_EQ(block_of(single.list[0].first), block_of(used) ^ 1) << "the only block whose buddy is in use";
  put_back(zone().tables(), single.list, true);
  Selection ten;
  ten.areas = 1U << 10;
  const Filled pairs = fill(ten);
  EXPECT_EQ(isolated().raw, (kBlocks - 2) * kBlockFrames);
  put_back(zone().tables(), pairs.list, true);
}

TEST_F(IsolationTest, OnlyTheMobilityAskedFor) {
  must_allocate({}, Mobility::Unmovable);
  retire_all();
  Selection selection = order(0);
  selection.mobility = static_cast<unsigned>(Mobility::Unmovable);
  EXPECT_EQ(report(selection), kBlockFrames - 1u);
  selection.mobility = static_cast<unsigned>(Mobility::Movable);
  EXPECT_EQ(report(selection), (kBlocks - 1) * kBlockFrames);
}

TEST_F(IsolationTest, OnlyWhatIsOldEnough) {
  must_free(must_allocate({9}), {9});
  Selection selection;
  selection.min_age = 5;
  EXPECT_EQ(report(selection), (kBlocks - 1) * kBlockFrames) << "never used: long ago";
  for (unsigned tick = 1; tick <= 5; ++tick) {
    zone().tables().clock().advance();
    EXPECT_EQ(report(selection), tick < 5 ? 0 : kBlockFrames) << tick;
  }
}

// Ticks wrap after seven. Groups that are old stay old, however late the others become old.
TEST_F(IsolationTest, WhatIsOldStaysOld) {
  const Pfn pfn = must_allocate({9});
  Selection selection;
  selection.min_age = 5;
  report(selection);
  for (std::uint64_t group = 0; group < kAgeGroups; ++group) {
    for (std::uint64_t i = 0; i < 64; i += 32) must_free(pfn + PfnCount{group * 64 + i}, {5});
    drain_all();
    for (unsigned tick = 0; tick < 3; ++tick) {
      zone().tables().clock().advance();
      EXPECT_EQ(report(selection), 0u);
    }
  }
  // The last group is old after two more ticks. A group whose age wrapped unseen may take one more.
  std::uint64_t total = 0;
  for (unsigned tick = 0; tick < 3; ++tick) {
    zone().tables().clock().advance();
    total += report(selection);
  }
  EXPECT_EQ(total, kBlockFrames);
}

TEST_F(IsolationTest, CountsWhatIsUnreportedAsABuddyAllocatorWould) {
  EXPECT_EQ(count_unreported(zone().tables(), {9}).of[10], kBlocks / 2);
  EXPECT_EQ(count_unreported(zone().tables(), {9}).of[9], 0u);
  must_allocate();
  drain_all();
  const UnreportedCounts counts = count_unreported(zone().tables(), {0});
  for (unsigned o = 0; o <= 9; ++o) EXPECT_EQ(counts.of[o], 1u) << o;
  EXPECT_EQ(counts.of[10], kBlocks / 2 - 1);
  report_order(0);
  const UnreportedCounts none = count_unreported(zone().tables(), {0});
  for (unsigned o = 0; o <= 10; ++o) EXPECT_EQ(none.of[o], 0u) << o;
}

}  // namespace
}  // namespace fallow::detail
