#include "fallow/platform/detail/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fallow::detail {
namespace {

struct ArenaTest : testing::Test {
  alignas(detail::Arena::kGrain) std::byte memory[1024];
  ArenaTest() { std::fill(std::begin(memory), std::end(memory), std::byte{0xAA}); }
};

TEST_F(ArenaTest, GivesZeroedAlignedMemory) {
  detail::Arena arena(memory);
  auto* piece = static_cast<std::byte*>(arena.allocate({100}));
  ASSERT_NE(piece, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % detail::Arena::kGrain, 0u);
  EXPECT_TRUE(std::all_of(piece, piece + 100, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(arena.free_bytes().raw, 1024u - 128u);
}

TEST_F(ArenaTest, SaysNoWhenFullOrAskedForNothingOrTooMuch) {
  detail::Arena arena(memory);
  EXPECT_EQ(arena.allocate({0}), nullptr);
  EXPECT_EQ(arena.allocate({1025}), nullptr);
  EXPECT_EQ(arena.allocate({~std::uint64_t{0}}), nullptr);
  EXPECT_NE(arena.allocate({1024}), nullptr);
  EXPECT_EQ(arena.allocate({1}), nullptr);
}

TEST_F(ArenaTest, UsesOnlyWholeGrainsOfWhatItWasGiven) {
  detail::Arena arena(std::span<std::byte>(memory).subspan(1, 200));
  EXPECT_EQ(arena.free_bytes().raw, 128u);
  auto* piece = static_cast<std::byte*>(arena.allocate({128}));
  EXPECT_EQ(piece, memory + detail::Arena::kGrain);
  EXPECT_EQ(memory[63], std::byte{0xAA});
  EXPECT_EQ(memory[192], std::byte{0xAA});
  detail::Arena tiny(std::span<std::byte>(memory).subspan(1, 126));
  EXPECT_EQ(tiny.allocate({1}), nullptr);
}

TEST_F(ArenaTest, MergesWhatIsReleasedInAnyOrder) {
  std::vector<int> order{0, 1, 2, 3};
  do {
    detail::Arena arena(memory);
    std::vector<void*> pieces(4);
    for (void*& piece : pieces) piece = arena.allocate({256});
    ASSERT_NE(pieces.back(), nullptr);
    for (int i : order) arena.release(pieces[static_cast<std::size_t>(i)], {256});
    EXPECT_EQ(arena.free_bytes().raw, 1024u);
    EXPECT_NE(arena.allocate({1024}), nullptr);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(ArenaTest, StopsAtADoubleRelease) {
  detail::Arena arena(memory);
  void* piece = arena.allocate({64});
  arena.release(piece, {64});
  EXPECT_DEATH(arena.release(piece, {64}), "release an allocation once");
}

TEST_F(ArenaTest, StopsAtForeignMemory) {
  detail::Arena arena(std::span<std::byte>(memory).first(512));
  EXPECT_DEATH(arena.release(memory + 512, {64}), "release it where it was allocated");
  EXPECT_DEATH(arena.release(memory + 32, {64}), "give back the pointer that allocate\\(\\) returned");
  EXPECT_DEATH(arena.release(memory, {1024}), "with the size of its allocate");
}

}  // namespace
}  // namespace fallow::detail
