// Positions of a packed ring, and the decision whether to notify, compared with plain counting.
#include "fallow/virtio/ring/detail/packed_position.h"

#include <gtest/gtest.h>

#include <array>

#include "fallow/virtio/ring/detail/split_layout.h"

namespace fallow::detail {
namespace {

// The position after `steps` steps from the beginning.
PackedPosition position(std::uint32_t steps, std::uint32_t size) {
  return {static_cast<std::uint16_t>(steps % size), steps / size % 2 == 0};
}

PvirtqEventSuppress event(std::uint16_t flags, std::uint16_t desc) { return {Le16(desc), Le16(flags)}; }

// 2.8.1: the wrap counter starts at 1 and is inverted after the last descriptor.
TEST(PackedPosition, AdvancesAroundTheRing) {
  for (const std::uint32_t size : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u}) {
    for (std::uint32_t from = 0; from < 2 * size; ++from) {
      for (std::uint32_t steps = 0; steps <= size; ++steps) {
        PackedPosition at = position(from, size);
        at.advance(steps, size);
        ASSERT_EQ(at, position(from + steps, size)) << size << ' ' << from << ' ' << steps;
        ASSERT_EQ(PackedPosition::decode(at.encode()), at);
        ASSERT_EQ(distance(position(from, size), at, size), steps);
      }
    }
  }
}

TEST(PackedPosition, AdvancesAroundTheLargestRing) {
  PackedPosition at{32767, true};
  EXPECT_EQ(at.encode(), 0xffff);
  at.advance(1, 32768);
  EXPECT_EQ(at, (PackedPosition{0, false}));
  at.advance(32768, 32768);
  EXPECT_EQ(at, (PackedPosition{0, true}));
  EXPECT_EQ(distance({0, false}, {32767, true}, 32768), 65535u);
}

// 2.8.1: in an available descriptor exactly one bit equals the wrap counter, in a used one both do. A
// descriptor of the previous round, or one of zeros, does not count as one of this round.
TEST(PackedPosition, FlagsOfOneRoundAreNotThoseOfTheOther) {
  for (const bool wrap : {false, true}) {
    const PackedPosition now{0, wrap}, before{0, !wrap};
    EXPECT_TRUE(now.is_available(now.available_flags() | kDescWrite | kDescNext));
    EXPECT_TRUE(now.is_used(now.used_flags() | kDescWrite));
    for (const std::uint16_t old : {before.available_flags(), before.used_flags()}) {
      EXPECT_FALSE(now.is_available(old));
      EXPECT_FALSE(now.is_used(old));
    }
    EXPECT_FALSE(now.is_available(now.used_flags()));
    EXPECT_FALSE(now.is_used(now.available_flags()));
  }
  EXPECT_FALSE(PackedPosition{}.is_available(0));
  EXPECT_FALSE(PackedPosition{}.is_used(0));
}

// 2.8.10, exhaustively for small rings: the other end is notified if and only if the steps since the last
// decision passed the descriptor that it requested, even if the ring wrapped several times.
TEST(PackedProgress, WantedAgreesWithCounting) {
  for (std::uint32_t size = 1; size <= 8; ++size) {
    for (std::uint32_t start = 0; start < 2 * size; ++start) {
      for (std::uint32_t steps = 0; steps <= 5 * size; ++steps) {
        PackedProgress progress;
        for (std::uint32_t i = 0; i < steps; ++i) progress.move(1);
        for (std::uint32_t asked = 0; asked < 2 * size; ++asked) {
          bool passed = false;
          for (std::uint32_t i = 0; i < steps; ++i) passed |= (start + i) % (2 * size) == asked;
          ASSERT_EQ(progress.wanted(event(kRingEventDesc, position(asked, size).encode()), true,
                                    position(start + steps, size), size),
                    passed)
              << size << ' ' << start << ' ' << steps << ' ' << asked;
        }
      }
    }
  }
}

// Agrees with the arithmetic of drivers in use, which subtract the size from an event of the other round and
// then compare as in a split ring.
TEST(PackedProgress, WantedAgreesWithSixteenBitArithmetic) {
  for (const std::uint32_t size : {1u, 2u, 3u, 7u, 8u, 255u, 256u}) {
    for (std::uint32_t now = 0; now < 2 * size; now += 1 + size / 16) {
      for (std::uint32_t steps = 1; steps <= size; steps += 1 + size / 16) {
        PackedProgress progress;
        progress.move(steps);
        for (std::uint32_t asked = 0; asked < 2 * size; ++asked) {
          const PackedPosition at = position(now, size), named = position(asked, size);
          const auto index = static_cast<std::uint16_t>(named.offset - (named.wrap != at.wrap ? size : 0));
          const bool theirs = static_cast<std::uint16_t>(at.offset - index - 1) < steps;
          ASSERT_EQ(progress.wanted(event(kRingEventDesc, named.encode()), true, at, size), theirs)
              << size << ' ' << now << ' ' << steps << ' ' << asked;
        }
      }
    }
  }
}

TEST(PackedProgress, TheLargestRing) {
  constexpr std::uint32_t kSize = 32768;
  PackedProgress progress;
  progress.move(kSize);
  const PackedPosition now{0, false};  // after one round
  EXPECT_TRUE(progress.wanted(event(kRingEventDesc, PackedPosition{0, true}.encode()), true, now, kSize));
  EXPECT_TRUE(progress.wanted(event(kRingEventDesc, PackedPosition{32767, true}.encode()), true, now, kSize));
  EXPECT_FALSE(progress.wanted(event(kRingEventDesc, PackedPosition{0, false}.encode()), true, now, kSize));
  EXPECT_FALSE(
      progress.wanted(event(kRingEventDesc, PackedPosition{32767, false}.encode()), true, now, kSize));
  for (int i = 0; i < 1000; ++i) progress.move(kSize);  // saturates
  EXPECT_TRUE(progress.wanted(event(kRingEventDesc, PackedPosition{5, false}.encode()), true, now, kSize));
}

TEST(PackedProgress, EnableAndDisable) {
  PackedProgress progress;
  for (const bool event_index : {false, true}) {
    progress.restart();
    EXPECT_FALSE(progress.wanted(event(kRingEventEnable, 0), event_index, {0, true}, 4))
        << "no descriptor was passed";
    progress.move(1);
    EXPECT_TRUE(progress.wanted(event(kRingEventEnable, 0), event_index, {1, true}, 4));
    EXPECT_FALSE(progress.wanted(event(kRingEventDisable, 0x8000), event_index, {1, true}, 4));
  }
}

// An invalid value causes a notification: a superfluous one is harmless, a missing one is not. Reserved bits
// are ignored.
TEST(PackedProgress, WhatMeansNothingEnables) {
  PackedProgress progress;
  progress.move(1);
  EXPECT_TRUE(progress.wanted(event(3, 0), true, {1, true}, 4));
  EXPECT_TRUE(progress.wanted(event(kRingEventDesc, 0x8003), false, {1, true}, 4))
      << "the event index is not negotiated";
  EXPECT_TRUE(progress.wanted(event(kRingEventDesc, 0x8004), true, {1, true}, 4))
      << "the ring has no such descriptor";
  EXPECT_TRUE(progress.wanted(event(kRingEventDesc, 0x7fff), true, {1, true}, 4))
      << "the ring has no such descriptor";
  EXPECT_FALSE(progress.wanted(event(0xfffc | kRingEventDisable, 0), true, {1, true}, 4));
}

}  // namespace
}  // namespace fallow::detail
