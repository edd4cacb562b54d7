#include "fallow/balloon/device/memory_map.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace fallow::detail {
namespace {

class NoBacking final : public MemoryBacking {
 public:
  Status discard(Pfn, PfnCount) noexcept override { return Status::Ok; }
  Status populate(Pfn, PfnCount) noexcept override { return Status::Ok; }
  Result<PfnCount> resident() noexcept override { return PfnCount{}; }
};

class Map : public ::testing::Test {
 protected:
  MappedRegion region(std::uint64_t base, std::uint64_t size, MemoryBacking* backing, std::uint64_t first) {
    return {{{base}, {size}, host.data()}, backing, {first}};
  }
  std::vector<std::byte> host = std::vector<std::byte>(0x4000);
  NoBacking low, high;
  MemoryMap map;
};

TEST_F(Map, TargetsFollowTheirRegionsIntoOrder) {
  ASSERT_EQ(map.assign(std::array{region(0x9000, 0x2000, &high, 7), region(0, 0x4000, &low, 100)}),
            Status::Ok);
  EXPECT_EQ(&map.backing(0), &low);
  EXPECT_EQ(map.first(0).raw, 100u);
  EXPECT_EQ(&map.backing(1), &high);
  EXPECT_EQ(map.first(1).raw, 7u);
  EXPECT_EQ(map.index(*map.guest().find({0x9fff})), 1u);
  EXPECT_EQ(map.frames().raw, 6u);
}

TEST_F(Map, StopsAtARegionThatThereIsNot) {
  ASSERT_EQ(map.assign(std::array{region(0, 0x4000, &low, 100)}), Status::Ok);
  EXPECT_DEATH(static_cast<void>(map.backing(1)), "use one below guest\\(\\).regions\\(\\).size");
  EXPECT_DEATH(static_cast<void>(map.first(~std::size_t{0})), "there is no region of this index");
}

TEST_F(Map, AMapThatIsRefusedChangesNothing) {
  ASSERT_EQ(map.assign(std::array{region(0, 0x4000, &low, 0)}), Status::Ok);
  for (const MappedRegion& bad :
       {region(0x800, 0x1000, &low, 0), region(0x1000, 0x1800, &low, 0), region(0x1000, 0x1000, nullptr, 0),
        region(0x1000, 0x1000, &low, ~std::uint64_t{0}), region(0x1000, 0, &low, 0)}) {
    EXPECT_EQ(map.assign(std::array{bad}), Status::InvalidArgument);
  }
  EXPECT_EQ(map.assign(std::array{region(0, 0x4000, &high, 0), region(0x3000, 0x1000, &high, 9)}),
            Status::InvalidArgument);
  EXPECT_EQ(map.assign(std::vector(GuestMemory::kMaxRegions + 1, region(0, 0x1000, &low, 0))),
            Status::InvalidArgument);
  EXPECT_EQ(&map.backing(0), &low);
  EXPECT_EQ(map.frames().raw, 4u);
}

}  // namespace
}  // namespace fallow::detail
