#include "fallow/zone/detail/runs.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

namespace fallow::detail {
namespace {

BlockBits random_bits(std::mt19937& random, unsigned ands) {
  BlockBits bits;
  for (std::uint32_t& w : bits.word) {
    w = static_cast<std::uint32_t>(random());
    for (unsigned i = 0; i < ands; ++i) w |= static_cast<std::uint32_t>(random());
    if (random() % 2 == 0) w = kWholeWord;
  }
  return bits;
}

bool is_set(const BlockBits& bits, unsigned frame) {
  return ((bits.word[frame / kWordFrames] >> (frame % kWordFrames)) & 1) != 0;
}

// Frame by frame, without bit tricks.
bool run_set(const BlockBits& bits, unsigned first, unsigned order) {
  for (unsigned i = 0; i < (1U << order); ++i) {
    if (!is_set(bits, first + i)) return false;
  }
  return true;
}

TEST(Runs, HeadsAreAligned) {
  EXPECT_EQ(run_heads(kWholeWord, 0), kWholeWord);
  EXPECT_EQ(run_heads(kWholeWord, 5), 1u);
  EXPECT_EQ(run_heads(0b0110, 1), 0u) << "two neighbours that are not a pair";
  EXPECT_EQ(run_heads(0b1100, 1), 0b0100u);
  EXPECT_EQ(run_bits(0b0100, 1), 0b1100u);
  EXPECT_EQ(run_bits(1, 5), kWholeWord);
}

TEST(Runs, OnesReachTheWholeWord) {
  EXPECT_EQ(ones(0, 32), kWholeWord);
  EXPECT_EQ(ones(31, 1), 0x80000000u);
  EXPECT_EQ(ones(4, 2), 0b110000u);
}

TEST(Runs, ForEachRunVisitsThemInOrder) {
  using Runs = std::vector<std::pair<unsigned, unsigned>>;
  const auto runs = [](std::uint32_t bits) {
    Runs all;
    for_each_run(bits, [&](unsigned first, unsigned length) {
      all.emplace_back(first, length);
      return true;
    });
    return all;
  };
  EXPECT_EQ(runs(0), Runs{});
  EXPECT_EQ(runs(kWholeWord), (Runs{{0, 32}}));
  EXPECT_EQ(runs(0x80000001), (Runs{{0, 1}, {31, 1}}));
  EXPECT_EQ(runs(0xc0000036), (Runs{{1, 2}, {4, 2}, {30, 2}}));
}

TEST(Runs, ForEachRunStopsWhenTold) {
  unsigned seen = 0;
  for_each_run(0b10101, [&](unsigned, unsigned) { return ++seen < 2; });
  EXPECT_EQ(seen, 2u);
}

TEST(Runs, AlignedRunsAgreeWithLookingAtEachFrame) {
  std::mt19937 random(1);
  for (unsigned round = 0; round < 200; ++round) {
    const BlockBits bits = random_bits(random, round % 5);
    for (unsigned order = 0; order < kBlockOrder.raw; ++order) {
      const BlockBits runs = aligned_runs(bits, order);
      for (unsigned frame = 0; frame < kBlockFrames; ++frame) {
        const unsigned head = frame & ~((1U << order) - 1);
        ASSERT_EQ(is_set(runs, frame), run_set(bits, head, order))
            << "order " << order << ", frame " << frame;
      }
    }
  }
}

TEST(Runs, FreeAreasPartitionTheFrames) {
  std::mt19937 random(2);
  for (unsigned round = 0; round < 200; ++round) {
    BlockBits bits = random_bits(random, round % 5);
    bits.word[round % kBlockWords] &= ~1U;  // one frame short of a whole block
    unsigned total = 0;
    for (unsigned order = 0; order < kBlockOrder.raw; ++order) {
      const unsigned n = count_bits(free_area_runs(bits, order));
      ASSERT_EQ(n % (1U << order), 0u);
      total += n;
    }
    ASSERT_EQ(total, count_bits(bits)) << "each free frame is in the free area of one order";
  }
}

}  // namespace
}  // namespace fallow::detail
