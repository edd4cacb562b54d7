#include "fallow/virtio/ring/guest_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace fallow::detail {
namespace {

constexpr std::uint64_t kTop = ~std::uint64_t{0};

// Two adjacent regions, and a third behind a hole, in another order.
class Memory : public ::testing::Test {
 protected:
  Memory() {
    const std::array regions{region(0x9000, 2), region(0x1000, 0), region(0x3000, 1)};
    EXPECT_EQ(memory.assign(regions), Status::Ok);
  }
  GuestRegion region(std::uint64_t base, std::size_t i) { return {{base}, {0x2000}, host[i].data()}; }

  std::array<std::array<std::byte, 0x2000>, 3> host{};
  GuestMemory memory;
};

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST_F(Memory, RegionsAreSortedByBase) {
  ASSERT_EQ(memory.regions().size(), 3u);
  EXPECT_EQ(memory.regions()[0].base.raw, 0x1000u);
  EXPECT_EQ(memory.regions()[2].base.raw, 0x9000u);
}

TEST_F(Memory, FindKnowsFirstAndLastByteOfEachRegion) {
  for (const GuestRegion& r : memory.regions()) {
    EXPECT_EQ(memory.find(r.base), &r);
    EXPECT_EQ(memory.find(r.base + ByteCount{0x1fff}), &r);
  }
  for (const std::uint64_t hole : {std::uint64_t{0}, std::uint64_t{0xfff}, std::uint64_t{0x5000},
                                   std::uint64_t{0x8fff}, std::uint64_t{0xb000}, kTop}) {
    EXPECT_EQ(memory.find({hole}), nullptr) << hole;
  }
}

TEST_F(Memory, TranslateNeedsAllOfTheRangeInOneRegion) {
  EXPECT_EQ(memory.translate({0x1010}, {0x1ff0}), host[0].data() + 0x10);
  EXPECT_EQ(memory.translate({0x1010}, {0x1ff1}), nullptr) << "the range crosses into the next region";
  EXPECT_EQ(memory.translate({0x4fff}, {0}), host[1].data() + 0x1fff);
  EXPECT_EQ(memory.translate({0x5000}, {0}), nullptr);
  EXPECT_EQ(memory.translate({0x1000}, {kTop}), nullptr);
}

TEST_F(Memory, PresentEndsAtTheFirstHole) {
  EXPECT_EQ(memory.present({0x1000}, {0x4000}).raw, 0x4000u) << "adjacent regions have no hole between them";
  EXPECT_EQ(memory.present({0x2000}, {0x8000}).raw, 0x3000u);
  EXPECT_EQ(memory.present({0x9000}, {kTop}).raw, 0x2000u);
  EXPECT_EQ(memory.present({0x5000}, {1}).raw, 0u);
  EXPECT_EQ(memory.present({0x1000}, {0}).raw, 0u);
}

TEST_F(Memory, CopiesCrossFromOneRegionIntoTheNext) {
  const std::string text = "from one into the next";
  ASSERT_TRUE(memory.write({0x2ff5}, bytes_of(text)));
  EXPECT_EQ(std::memcmp(host[0].data() + 0x1ff5, text.data(), 11), 0);
  EXPECT_EQ(std::memcmp(host[1].data(), text.data() + 11, text.size() - 11), 0);
  std::string back(text.size(), '?');
  ASSERT_TRUE(memory.read({0x2ff5}, std::as_writable_bytes(std::span(back))));
  EXPECT_EQ(back, text);
}

TEST_F(Memory, CopiesTouchNothingOutsideTheRange) {
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t length = 0; length < 20; ++length) {
      host[2].fill(std::byte{0xee});
      ASSERT_TRUE(memory.write({0x9000 + start}, std::vector<std::byte>(length, std::byte{1})));
      for (std::size_t i = 0; i < 40; ++i) {
        const bool inside = i >= start && i < start + length;
        ASSERT_EQ(host[2][i], inside ? std::byte{1} : std::byte{0xee}) << start << " " << length << " " << i;
      }
    }
  }
}

TEST_F(Memory, NothingIsCopiedUnlessAllIsThere) {
  std::array<std::byte, 16> local;
  local.fill(std::byte{7});
  EXPECT_FALSE(memory.read({0x4ff8}, local));
  EXPECT_EQ(local[0], std::byte{7});
  EXPECT_FALSE(memory.write({0x4ff8}, local));
  EXPECT_EQ(host[1][0x1ff8], std::byte{0});
  EXPECT_FALSE(memory.read({kTop}, local));
}

TEST_F(Memory, AMapThatIsRefusedChangesNothing) {
  const auto refuses = [this](std::span<const GuestRegion> regions) {
    EXPECT_EQ(memory.assign(regions), Status::InvalidArgument);
    EXPECT_EQ(memory.regions().size(), 3u);
  };
  refuses(std::array{GuestRegion{{0x1000}, {0}, host[0].data()}});
  refuses(std::array{GuestRegion{{0x1000}, {0x1000}, nullptr}});
  refuses(std::array{GuestRegion{{kTop - 0xfff}, {0x1000}, host[0].data()}});
  refuses(std::array{GuestRegion{{0x1000}, {kTop}, host[0].data()}});
  refuses(std::array{region(0x1000, 0), region(0x2fff, 1)});
  refuses(std::array{region(0x1000, 0), region(0x1000, 1)});
  refuses(std::vector<GuestRegion>(GuestMemory::kMaxRegions + 1));
}

TEST_F(Memory, AsManyRegionsAsThereArePlaces) {
  std::vector<GuestRegion> regions;
  for (std::size_t i = GuestMemory::kMaxRegions; i-- > 0;)
    regions.push_back({{0x4000 * i}, {0x2000}, host[0].data()});
  ASSERT_EQ(memory.assign(regions), Status::Ok);
  for (std::size_t i = 0; i < GuestMemory::kMaxRegions; ++i) {
    ASSERT_NE(memory.find({0x4000 * i + 0x1fff}), nullptr);
    EXPECT_EQ(memory.find({0x4000 * i + 0x2000}), nullptr);
  }
  EXPECT_EQ(memory.assign({}), Status::Ok);
  EXPECT_EQ(memory.find({0}), nullptr);
}

}  // namespace
}  // namespace fallow::detail
