#include "fallow/base/units.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace fallow::detail {
namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};

// Meaningless operations do not compile.
static_assert(Addable<Pfn, PfnCount> && Addable<PfnCount, PfnCount> && Addable<ByteCount, ByteCount>);
static_assert(!Addable<Pfn, Pfn> && !Addable<PfnCount, ByteCount> && !Addable<Pfn, ByteCount>);
static_assert(!Addable<PfnCount, std::uint64_t> && !Addable<Order, Order>);
static_assert(std::is_same_v<decltype(Pfn{} - Pfn{}), PfnCount>);
static_assert(!Subtractable<Pfn, ByteCount>);
static_assert(sizeof(Pfn) == 8 && sizeof(PfnCount) == 8 && sizeof(ByteCount) == 8 && sizeof(Order) == 1);
static_assert(std::is_trivially_copyable_v<Pfn> && std::is_trivially_copyable_v<Nanoseconds>);

TEST(Units, FramesAndBytes) {
  EXPECT_EQ(kFrameSize, 4096u);
  EXPECT_EQ(bytes({3}).raw, 3 * 4096u);
  EXPECT_EQ(whole_frames({8191}).raw, 1u) << "an incomplete frame does not count";
  EXPECT_EQ(whole_frames(bytes({1234})).raw, 1234u);
  EXPECT_EQ((Pfn{5} + PfnCount{3}).raw, 8u);
  EXPECT_EQ((Pfn{5} - Pfn{3}).raw, 2u);
  PfnCount n{7};
  n += {3};
  n -= {1};
  EXPECT_EQ(n.raw, 9u);
}

TEST(Units, OrdersArePowersOfTwo) {
  EXPECT_EQ(frames({0}).raw, 1u);
  EXPECT_EQ(frames({9}).raw, 512u);
  EXPECT_EQ(frames(kMaxOrder).raw, 1024u);
  EXPECT_TRUE(aligned({0}, kMaxOrder));
  EXPECT_TRUE(aligned({1024}, kMaxOrder));
  EXPECT_FALSE(aligned({512}, kMaxOrder));
  EXPECT_TRUE(aligned({513}, {0}));
}

TEST(Units, TimesSaturateAtNever) {
  EXPECT_EQ(milliseconds(2).raw, 2'000'000u);
  EXPECT_EQ(seconds(2), milliseconds(2000));
  EXPECT_EQ(kNever + seconds(1), kNever);
  EXPECT_EQ(seconds(1) + kNever, kNever);
  EXPECT_EQ(Nanoseconds{kNever.raw - 1} + Nanoseconds{1}, kNever);
  EXPECT_EQ((Nanoseconds{kNever.raw - 2} + Nanoseconds{1}).raw, kNever.raw - 1);
  EXPECT_LT(seconds(1), kNever);
}

}  // namespace
}  // namespace fallow::detail
