#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class ZoneReserve : public ZoneTest {};

TEST_F(ZoneReserve, HolesAreNotHandedOut) {
  ASSERT_EQ(zone().reserve(kBase + PfnCount{5}, {3}), Status::Ok);
  ASSERT_EQ(zone().reserve(kBase + PfnCount{500}, {1060}),
            Status::Ok);  // parts of two blocks, two whole ones
  EXPECT_EQ(used().raw, 1063u);
  expect_consistent();
  for (const Pfn pfn : exhaust()) {
    const std::uint64_t i = (pfn - kBase).raw;
    ASSERT_FALSE((i >= 5 && i < 8) || (i >= 500 && i < 1560)) << i;
  }
}

TEST_F(ZoneReserve, AnyFrameCountAndPosition) {
  for (std::uint64_t first = 0, n = 1; first + n < kBlocks * kBlockFrames; first += n + 3, n = n * 2 + 1) {
    ASSERT_EQ(zone().reserve(kBase + PfnCount{first}, {n}), Status::Ok) << first << " " << n;
    expect_consistent();
  }
}

TEST_F(ZoneReserve, RefusesWhatIsNotFreeOrNotInside) {
  ASSERT_EQ(zone().reserve(kBase + PfnCount{600}, {10}), Status::Ok);
  ASSERT_EQ(zone().reserve(kBase + PfnCount{1024}, {512}), Status::Ok);
  EXPECT_EQ(zone().reserve(kBase + PfnCount{609}, {1}), Status::InvalidArgument) << "twice";
  EXPECT_EQ(zone().reserve(kBase + PfnCount{590}, {11}), Status::InvalidArgument) << "overlapping";
  EXPECT_EQ(zone().reserve(kBase + PfnCount{1100}, {1}), Status::InvalidArgument) << "in a whole block";
  EXPECT_EQ(zone().reserve({kBase.raw - 1}, {2}), Status::InvalidArgument);
  EXPECT_EQ(zone().reserve(kBase, {kBlocks * kBlockFrames + 1}), Status::InvalidArgument);
  EXPECT_EQ(zone().reserve(kBase + PfnCount{kBlocks * kBlockFrames}, {1}), Status::InvalidArgument);
  EXPECT_EQ(used().raw, 522u) << "a refused reservation changes nothing";
}

TEST_F(ZoneReserve, WhatIsReservedCanBeFreed) {
  ASSERT_EQ(zone().reserve(kBase, {512}), Status::Ok);
  ASSERT_EQ(zone().reserve(kBase + PfnCount{600}, {2}), Status::Ok);
  must_free(kBase + PfnCount{7});
  must_free(kBase + PfnCount{600}, {1});
  drain_all();
  EXPECT_EQ(used().raw, 511u);
  expect_misuse(kBase + PfnCount{7}, {}, Status::NotAllocated);
}

TEST_F(ZoneReserve, AllOfTheZone) {
  ASSERT_EQ(zone().reserve(kBase, {kBlocks * kBlockFrames}), Status::Ok);
  EXPECT_EQ(cache().allocate().status, Status::NoMemory);
  EXPECT_EQ(free().raw, 0u);
}

}  // namespace
}  // namespace fallow::detail
