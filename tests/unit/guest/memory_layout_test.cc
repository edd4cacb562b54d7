// The frames that MemoryLayout takes from valid and invalid memory maps.
#include "guest/kernel/memory_layout.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace fallow::guest {

constexpr bool operator==(const FrameRange& a, const FrameRange& b) {
  return a.first == b.first && a.count == b.count;
}
static void PrintTo(const FrameRange& r, std::ostream* out) {
  *out << "[" << r.first.raw << ", " << r.end().raw << ")";
}

namespace {

constexpr std::uint64_t kPage = kFrameSize;
using Pieces = std::vector<FrameRange>;

Pieces pieces_of(const MemoryLayout& layout) { return {layout.pieces().begin(), layout.pieces().end()}; }
Pieces pieces(std::vector<MemoryRange> usable, std::vector<MemoryRange> taken = {}) {
  return pieces_of(MemoryLayout(usable, taken));
}
FrameRange run(std::uint64_t first, std::uint64_t end) { return {{first}, {end - first}}; }

TEST(MemoryLayout, PartialFramesAreNotUsed) {
  EXPECT_EQ(pieces({{kPage + 1, 4 * kPage - 1}}), (Pieces{run(2, 3)}));
  EXPECT_EQ(pieces({{kPage, 4 * kPage}}), (Pieces{run(1, 4)}));
  EXPECT_EQ(pieces({{kPage + 1, 2 * kPage - 1}}), Pieces{});
}

TEST(MemoryLayout, WhatIsTakenIsOutWithAllFramesItTouches) {
  EXPECT_EQ(pieces({{kPage, 10 * kPage}}, {{3 * kPage + 1, 3 * kPage + 2}}), (Pieces{run(1, 3), run(4, 10)}));
  EXPECT_EQ(pieces({{kPage, 10 * kPage}}, {{0, 2 * kPage}, {9 * kPage, 20 * kPage}}), (Pieces{run(2, 9)}));
  EXPECT_EQ(pieces({{kPage, 10 * kPage}}, {{0, ~std::uint64_t{0}}}), Pieces{});
  EXPECT_EQ(pieces({{kPage, 4 * kPage}, {6 * kPage, 9 * kPage}}, {{3 * kPage, 7 * kPage}}),
            (Pieces{run(1, 3), run(7, 9)}));
}

TEST(MemoryLayout, FrameZeroIsNoMemory) { EXPECT_EQ(pieces({{0, 3 * kPage}}), (Pieces{run(1, 3)})); }

TEST(HostileMemoryMap, BackwardsAndEmptyRangesAreNone) {
  EXPECT_EQ(pieces({{9 * kPage, 3 * kPage}, {5 * kPage, 5 * kPage}}), Pieces{});
  EXPECT_EQ(pieces({{kPage, 4 * kPage}}, {{3 * kPage, kPage}, {2 * kPage, 2 * kPage}}), (Pieces{run(1, 4)}));
}

TEST(HostileMemoryMap, OverlapsAndDisorderAreMerged) {
  EXPECT_EQ(pieces({{6 * kPage, 9 * kPage}, {kPage, 3 * kPage}, {2 * kPage, 7 * kPage}}),
            (Pieces{run(1, 9)}));
  EXPECT_EQ(pieces({{kPage, 2 * kPage}, {2 * kPage, 3 * kPage}}), (Pieces{run(1, 3)}));
}

TEST(HostileMemoryMap, AddressesThatDoNotExist) {
  const std::uint64_t end = MemoryLayout::kEnd.raw;
  EXPECT_EQ(pieces({{kPage, ~std::uint64_t{0}}}), (Pieces{run(1, end)}));
  EXPECT_EQ(pieces({{~std::uint64_t{0} - 5, ~std::uint64_t{0}}}), Pieces{});
  EXPECT_EQ(pieces({{kPage, 4 * kPage}}, {{~std::uint64_t{0} - 5, ~std::uint64_t{0}}}), (Pieces{run(1, 4)}));
}

TEST(HostileMemoryMap, MorePiecesThanFitAreLeftOut) {
  std::vector<MemoryRange> usable;
  for (std::uint64_t i = 0; i < 300; ++i) usable.push_back({(2 * i + 1) * kPage, (2 * i + 2) * kPage});
  const MemoryLayout layout(usable, {});
  EXPECT_EQ(layout.pieces().size(), MemoryLayout::kMostPieces);
  EXPECT_EQ(layout.left_out().raw, 300 - MemoryLayout::kMostPieces);

  std::vector<MemoryRange> taken;
  for (std::uint64_t i = 0; i < 300; ++i) taken.push_back({(2 * i + 1) * kPage, (2 * i + 2) * kPage});
  const MemoryRange all{kPage, 700 * kPage};
  EXPECT_EQ(MemoryLayout({&all, 1}, taken).pieces().size(), MemoryLayout::kMostPieces);
}

// For random maps, the pieces match a bitmap of the usable frames.
TEST(HostileMemoryMap, AgreesWithABitmap) {
  std::mt19937_64 random(1);
  constexpr std::uint64_t kFrames = 64;
  for (int round = 0; round < 3000; ++round) {
    const auto some = [&] {
      std::vector<MemoryRange> ranges(random() % 6);
      for (MemoryRange& r : ranges) r = {random() % (kFrames * kPage), random() % (kFrames * kPage)};
      return ranges;
    };
    const std::vector<MemoryRange> usable = some(), taken = some();
    std::vector<bool> expected(kFrames), found(kFrames);
    for (std::uint64_t i = 1; i < kFrames; ++i) {
      for (const MemoryRange& r : usable) {
        // A frame that several adjoining ranges cover together is not usable.
        if (r.begin <= i * kPage && (i + 1) * kPage <= r.end) expected[i] = true;
      }
      for (const MemoryRange& r : taken) {
        if (r.begin < r.end && r.begin < (i + 1) * kPage && i * kPage < r.end) expected[i] = false;
      }
    }
    const MemoryLayout layout(usable, taken);
    Pfn last{0};
    for (const FrameRange& piece : layout.pieces()) {
      ASSERT_GT(piece.first, last);
      for (Pfn p = piece.first; p < piece.end(); p = p + PfnCount{1}) found[p.raw] = true;
      last = piece.end();
    }
    ASSERT_EQ(found, expected);
  }
}

TEST(MemoryLayout, CarvesOffTheEndOfTheLargestPiece) {
  MemoryLayout layout(std::vector<MemoryRange>{{kPage, 4 * kPage}, {10 * kPage, 20 * kPage}}, {});
  EXPECT_EQ(layout.carve({2}).raw, 18u);
  EXPECT_EQ(layout.carve({8}).raw, 0u) << "a piece is never used up completely";
  EXPECT_EQ(layout.carve({0}).raw, 0u);
  EXPECT_EQ(pieces_of(layout), (Pieces{run(1, 4), run(10, 18)}));
  layout.drop_last();
  layout.drop_last();
  layout.drop_last();
  EXPECT_EQ(layout.carve({1}).raw, 0u);
  EXPECT_EQ(layout.left_out().raw, 11u);
}

}  // namespace
}  // namespace fallow::guest
