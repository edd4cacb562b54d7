#include "fallow/zone/detail/frame_word.h"

#include <gtest/gtest.h>

namespace fallow::detail {
namespace {

TEST(FrameWord, HasFourStates) {
  constexpr FrameWord w = FrameWord::of(0b1100, 0b1010);
  EXPECT_EQ(w.used(), 0b1100u);
  EXPECT_EQ(w.report_bits(), 0b1010u);
  EXPECT_EQ(w.free(), ~0b1100u);
  EXPECT_EQ(w.unreported(), ~0b1110u);
  EXPECT_EQ(w.allocated(), 0b0100u);
  EXPECT_EQ(w.isolated(), 0b1000u);
}

TEST(FrameWord, AReportBitGoesWithTheFrameThatIsTaken) {
  const FrameWord w = FrameWord::of(0, kWholeWord).take(0b11);
  EXPECT_EQ(w.used(), 0b11u);
  EXPECT_EQ(w.report_bits(), ~0b11u);
}

TEST(FrameWord, GivesBackWithOrWithoutAReportBit) {
  const FrameWord taken = FrameWord::of(0b1111, 0);
  EXPECT_EQ(taken.give(0b0011, 0b0001).raw, FrameWord::of(0b1100, 0b0001).raw);
  EXPECT_EQ(FrameWord::of(0b11, 0b11).give(0b11, 0).raw, FrameWord{}.raw)
      << "an isolated frame loses its report bit";
  EXPECT_EQ(FrameWord::of(0, 0b100).give(0, 0).raw, FrameWord::of(0, 0b100).raw);
}

TEST(FrameWord, GivesBackWhatIsAllocated) {
  const FrameWord w = FrameWord::of(0b1110, 0b1001);
  EXPECT_TRUE(w.all_allocated(0b0110));
  for (const std::uint32_t other : {0b0001U, 0b1000U, 0b10000U})
    EXPECT_FALSE(w.all_allocated(0b0110 | other));
  EXPECT_EQ(w.give_allocated(0b0110).raw, w.give(0b0110, 0).raw);
}

TEST(FrameWord, IsolatesAndPutsBackTheHighestFrame) {
  const std::uint32_t top = 1U << 31;
  const FrameWord isolated = FrameWord{}.isolate(top);
  EXPECT_EQ(isolated.isolated(), top);
  EXPECT_EQ(isolated.allocated(), 0u);
  EXPECT_EQ(isolated.give(top, top).raw, FrameWord::of(0, top).raw);
}

TEST(FrameWord, BitsOfAnOrder) {
  EXPECT_EQ(word_bits(0, {0}), 1u);
  EXPECT_EQ(word_bits(31, {0}), 0x80000000u);
  EXPECT_EQ(word_bits(6, {1}), 0b11000000u);
  EXPECT_EQ(word_bits(16, {4}), 0xffff0000u);
  EXPECT_EQ(word_bits(0, {5}), kWholeWord);
}

}  // namespace
}  // namespace fallow::detail
