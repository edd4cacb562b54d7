// Which frames the balloon device of a replay may release, and how the residency model changes.
#include "replay/accounted_backing.h"

#include <gtest/gtest.h>

#include "replay/host_memory.h"

namespace fallow::replay {
namespace {

constexpr PfnCount kSize{1024};

TEST(BookedBacking, DiscardsAreInTheBooks) {
  const auto residency = ResidencyModel::create(kSize);
  AccountedBacking backing(*residency, kSize, nullptr);
  residency->touch(Pfn{0}, PfnCount{100});
  EXPECT_EQ(backing.discard(Pfn{50}, PfnCount{100}), Status::Ok);
  EXPECT_EQ(residency->resident(), PfnCount{50});
  EXPECT_EQ(residency->given_back(), PfnCount{50});
  EXPECT_EQ(backing.resident().value(), PfnCount{50});
}

TEST(BookedBacking, WhatIsNotOfTheZoneIsRefused) {
  const auto residency = ResidencyModel::create(kSize);
  AccountedBacking backing(*residency, kSize, nullptr);
  EXPECT_EQ(backing.discard(Pfn{1023}, PfnCount{2}), Status::OutsideZone);
  EXPECT_EQ(backing.discard(Pfn{1024}, PfnCount{1}), Status::OutsideZone);
  EXPECT_EQ(backing.discard(Pfn{1}, PfnCount{~std::uint64_t{0}}), Status::OutsideZone);
  EXPECT_EQ(backing.discard(Pfn{1}, PfnCount{0}), Status::OutsideZone);
  EXPECT_EQ(backing.populate(Pfn{1024}, PfnCount{1}), Status::OutsideZone);
  EXPECT_EQ(backing.populate(Pfn{1023}, PfnCount{1}), Status::Ok);
}

TEST(BookedBacking, ReleasesTheHostsMemory) {
  const auto residency = ResidencyModel::create(kSize);
  const auto host = create_backing(BackingKind::Memfd, false, kSize);
  ASSERT_TRUE(host) << host.error;
  AccountedBacking backing(*residency, kSize, host.object.get());
  *host.object->address(Pfn{7}) = std::byte{1};
  EXPECT_EQ(backing.resident().value(), PfnCount{1});
  EXPECT_EQ(backing.discard(Pfn{0}, kSize), Status::Ok);
  EXPECT_EQ(backing.resident().value(), PfnCount{0});
  EXPECT_EQ(backing.content_after(), Content::Zero);
}

TEST(BookedBacking, AFailureIsOneAndReleasesNothing) {
  const auto residency = ResidencyModel::create(kSize);
  AccountedBacking backing(*residency, kSize, nullptr);
  residency->touch(Pfn{0}, PfnCount{100});
  backing.fail_next();
  EXPECT_EQ(backing.discard(Pfn{0}, PfnCount{100}), Status::Failed);
  EXPECT_EQ(residency->resident(), PfnCount{100});
  EXPECT_EQ(backing.discard(Pfn{0}, PfnCount{100}), Status::Ok);
  EXPECT_EQ(residency->resident(), PfnCount{0});
}

}  // namespace
}  // namespace fallow::replay
