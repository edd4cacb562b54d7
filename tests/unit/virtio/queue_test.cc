// Both ends of a ring together, in both formats, with neither end breaking a rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/unit/virtio/ring_format.h"

namespace fallow::detail {
namespace {

template <class Format>
class Queue : public testing::Test {};
TYPED_TEST_SUITE(Queue, RingFormats, RingFormatName);

// 2.7.13, 2.7.14, 2.8.21, 2.8.22: the device receives what was added, and the driver receives the token and
// the length of what is returned.
TYPED_TEST(Queue, AChainGoesThereAndBack) {
  RingOf<TypeParam> ring(ring_config<TypeParam>(8));
  const QueueBuffer buffers[] = {readable(0x1000, 16), writable(0x2000, 4096), writable(0x9000, 1)};
  ASSERT_EQ(ring.driver.add(buffers, 77), Status::Ok);
  Chain chain;
  ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.slots, TypeParam::slots(3));
  ASSERT_EQ(chain.buffers.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(chain.buffers[i].address, buffers[i].address);
    EXPECT_EQ(chain.buffers[i].length, buffers[i].length);
    EXPECT_EQ(chain.buffers[i].device_writable, buffers[i].device_writable);
  }
  EXPECT_EQ(ring.device.pop(chain), Popped::Nothing);
  Used used;
  EXPECT_EQ(ring.driver.take(used), Taken::Nothing);
  ring.device.push(chain, 4097);
  ASSERT_EQ(ring.driver.take(used), Taken::Used);
  EXPECT_EQ(used.token, 77u);
  EXPECT_EQ(used.length, 4097u);
  EXPECT_EQ(ring.driver.take(used), Taken::Nothing);
  EXPECT_EQ(ring.driver.in_flight(), 0u);
}

// At every size, the indices of a split ring pass 65535 several times, and a packed ring wraps many times.
TYPED_TEST(Queue, IndicesWrapAround) {
  for (const std::uint16_t size : TypeParam::kSizes) {
    SCOPED_TRACE(size);
    RingOf<TypeParam> ring(ring_config<TypeParam>(size));
    std::uint64_t token = 0, back = 0;
    while (back < 3 * 65536) {
      while (ring.driver.add(std::array{writable(0x1000 * (token % 512), 8)}, token) == Status::Ok) ++token;
      ASSERT_EQ(ring.driver.in_flight(), size);
      Chain chain;
      while (ring.device.pop(chain) == Popped::Chain) ring.device.push(chain, 8);
      Used used;
      while (ring.driver.take(used) == Taken::Used) ASSERT_EQ(used.token, back++);
    }
    EXPECT_EQ(ring.driver.in_flight(), 0u);
    EXPECT_EQ(ring.device.fault(), RingFault::None);
  }
}

// Among the chains of different lengths are some that extend across the end of the ring.
TYPED_TEST(Queue, ChainsOfSeveralLengthsWrapAround) {
  for (const std::uint16_t size : TypeParam::kSizes) {
    SCOPED_TRACE(size);
    RingOf<TypeParam> ring(ring_config<TypeParam>(size));
    const std::vector<QueueBuffer> buffers(5, writable(0x1000, 8));
    const auto chain_of = [&](std::uint64_t n) {
      return std::span(buffers).first(std::min<std::size_t>(1 + n % 5, size));
    };
    std::uint64_t token = 0, back = 0;
    while (back < 3 * 65536) {
      while (ring.driver.add(chain_of(token), token) == Status::Ok) ++token;
      Chain chain;
      while (ring.device.pop(chain) == Popped::Chain) {
        ASSERT_EQ(chain.slots, TypeParam::slots(chain.buffers.size()));
        ring.device.push(chain, static_cast<std::uint32_t>(chain.buffers.size()));
      }
      Used used;
      while (ring.driver.take(used) == Taken::Used) {
        ASSERT_EQ(used.length, chain_of(back).size());
        ASSERT_EQ(used.token, back++);
      }
      ASSERT_EQ(ring.driver.in_flight(), 0u);
    }
    EXPECT_EQ(ring.device.fault(), RingFault::None);
    EXPECT_EQ(ring.driver.wrong_lengths(), 0u);
  }
}

// A chain may be as long as the ring, but not longer.
TYPED_TEST(Queue, AChainMayTakeAllDescriptors) {
  for (const std::uint16_t size : TypeParam::kSizes) {
    SCOPED_TRACE(size);
    RingOf<TypeParam> ring(ring_config<TypeParam>(size));
    std::vector<QueueBuffer> buffers(size, writable(0x1000, 1));
    for (int round = 0; round < 5; ++round) {
      ASSERT_EQ(ring.driver.add(buffers, 5), Status::Ok);
      EXPECT_EQ(ring.driver.add(std::array{writable(0, 1)}, 6), Status::NoMemory);
      Chain chain;
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      EXPECT_EQ(chain.buffers.size(), buffers.size());
      EXPECT_EQ(ring.device.pop(chain), Popped::Nothing);
      ring.device.push(chain, 0);
      Used used;
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
    }
    buffers.push_back(writable(0x1000, 1));
    EXPECT_EQ(ring.driver.add(buffers, 5), Status::InvalidArgument);
  }
}

TYPED_TEST(Queue, ChainsMayComeBackInAnyOrder) {
  RingOf<TypeParam> ring(ring_config<TypeParam>(16));
  const QueueBuffer three[] = {readable(0, 1), writable(1, 2), writable(3, 4)};
  std::vector<Chain> chains(5);
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_EQ(ring.driver.add(three, i), Status::Ok);
  EXPECT_EQ(ring.driver.add(three, 5), Status::NoMemory);
  for (Chain& chain : chains) ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
  for (const std::size_t i : {3u, 0u, 4u, 2u, 1u}) {
    ring.device.push(chains[i], static_cast<std::uint32_t>(i));
    Used used;
    ASSERT_EQ(ring.driver.take(used), Taken::Used);
    EXPECT_EQ(used.token, i);
    EXPECT_EQ(used.length, i);
  }
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(ring.driver.add(three, i), Status::Ok);
}

// 2.8: used descriptors are written in the order of completion, over chains that are still in flight. 17 is
// no size of a split ring.
TYPED_TEST(Queue, ChainsOfSeveralLengthsMayComeBackInAnyOrder) {
  RingOf<TypeParam> ring(ring_config<TypeParam>(TypeParam::kPacked ? 17 : 16));
  const QueueBuffer four[] = {readable(0, 1), writable(1, 2), writable(3, 4), writable(8, 8)};
  for (std::uint64_t round = 0; round < 50; ++round) {
    std::vector<Chain> chains(5);
    for (std::uint64_t i = 0; i < 5; ++i)
      ASSERT_EQ(ring.driver.add(std::span(four).first(i == 4 ? 4 : i + 1), i), Status::Ok);
    for (Chain& chain : chains) ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
    for (const std::size_t i : {3u, 0u, 4u, 2u, 1u}) {
      ring.device.push(chains[i], i == 0 ? 0 : 1);
      Used used;
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
      EXPECT_EQ(used.token, i);
      EXPECT_EQ(used.length, i == 0 ? 0u : 1u);
    }
  }
}

TYPED_TEST(Queue, WhatMakesNoChainIsRefused) {
  RingOf<TypeParam> ring(ring_config<TypeParam>(4));
  EXPECT_EQ(ring.driver.add({}, 0), Status::InvalidArgument);
  EXPECT_EQ(ring.driver.add(std::array{writable(0, 1), readable(8, 1)}, 0), Status::InvalidArgument);
  EXPECT_EQ(ring.driver.in_flight(), 0u);
}

TYPED_TEST(Queue, ADriverCannotBeStartedWithWhatDoesNotFit) {
  GuestBox box(4 * 4096);
  std::vector<std::uint64_t> own(1024);
  const auto bytes = std::as_writable_bytes(std::span(own));
  typename TypeParam::Driver driver;
  const auto start = [&](std::uint16_t size, const SharedMemory& shared, std::span<std::byte> memory) {
    return driver.start(ring_config<TypeParam>(size), shared, memory);
  };
  for (const std::uint16_t size : TypeParam::kBadSizes)
    EXPECT_EQ(start(size, box.shared(), bytes), Status::InvalidArgument) << size;
  EXPECT_EQ(start(4096, box.shared(), bytes), Status::InvalidArgument);
  EXPECT_EQ(start(8, box.shared(), bytes.first(8)), Status::InvalidArgument);
  EXPECT_EQ(start(8, {box.at(box.base()) + 4, box.base(), {8192}}, bytes), Status::InvalidArgument);
  EXPECT_EQ(start(8, {box.at(box.base()), {box.base().raw + 8}, {8192}}, bytes), Status::InvalidArgument);
  EXPECT_EQ(start(8, box.shared(), bytes), Status::Ok);
  if (TypeParam::kPacked) {
    EXPECT_EQ(start(3, box.shared(), bytes), Status::Ok) << "the size need not be a power of two";
  }
}

// 2.7.5.3, 2.8.7: a chain takes an indirect table while one is free, and the descriptors of the ring
// otherwise. One ring may hold both kinds.
TYPED_TEST(Queue, IndirectTables) {
  RingOf<TypeParam> ring(indirect_config<TypeParam>(4, 2, 3));
  const QueueBuffer three[] = {readable(0x1000, 1), writable(0x2000, 2), writable(0x3000, 4)};
  Chain chain;
  Used used;
  for (int round = 0; round < 10; ++round) {
    ASSERT_EQ(ring.driver.add(three, 0), Status::Ok);
    ASSERT_EQ(ring.driver.add(three, 1), Status::Ok);
    EXPECT_EQ(ring.driver.add(three, 2), Status::NoMemory);  // no table and two descriptors are free
    ASSERT_EQ(ring.driver.add(std::span(three).first(2), 2), Status::Ok);
    for (std::uint64_t i = 0; i < 3; ++i) {
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      EXPECT_EQ(chain.slots, i == 2 ? TypeParam::slots(2) : 1u);
      ASSERT_EQ(chain.buffers.size(), i == 2 ? 2u : 3u);
      EXPECT_EQ(chain.buffers[1].address.raw, 0x2000u);
      ring.device.push(chain, 6);
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
      EXPECT_EQ(used.token, i);
      EXPECT_EQ(used.length, i == 2 ? 2u : 6u);
    }
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(ring.driver.add(three, 9), Status::Ok);
    ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
    ring.device.push(chain, 0);
    ASSERT_EQ(ring.driver.take(used), Taken::Used);
  }
}

// 2.7.7, 2.7.10, 2.8.10: without the event index, each end switches notifications on and off.
TYPED_TEST(Queue, FlagsSuppressBothWays) {
  RingOf<TypeParam> ring(ring_config<TypeParam>(8));
  const std::array one{writable(0, 8)};
  EXPECT_FALSE(ring.device.ask_for_kicks(true));
  ASSERT_EQ(ring.driver.add(one, 0), Status::Ok);
  EXPECT_TRUE(ring.driver.take_kick());
  EXPECT_FALSE(ring.driver.take_kick()) << "no chain was added since the last call";
  EXPECT_FALSE(ring.device.ask_for_kicks(false));
  ASSERT_EQ(ring.driver.add(one, 1), Status::Ok);
  EXPECT_FALSE(ring.driver.take_kick());
  EXPECT_TRUE(ring.device.ask_for_kicks(true)) << "two chains wait";
  const GuestPhys area = ring.driver.addresses().device_area;
  if constexpr (TypeParam::kPacked) {
    EXPECT_EQ(ring.box.template as<PvirtqEventSuppress>(area).flags.load(), kRingEventEnable);
  } else {
    EXPECT_EQ(UsedRing(ring.box.at(area), 8).flags().load(), 0);
  }
  Chain chain;
  ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
  EXPECT_FALSE(ring.device.take_notification());
  EXPECT_FALSE(ring.driver.ask_for_notifications(false));
  ring.device.push(chain, 0);
  EXPECT_FALSE(ring.device.take_notification());
  EXPECT_TRUE(ring.driver.ask_for_notifications(true));
  ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
  ring.device.push(chain, 0);
  EXPECT_TRUE(ring.device.take_notification());
  EXPECT_FALSE(ring.device.take_notification());
}

// 2.7.7.2, 2.7.10, 2.8.10: with the event index, an end notifies once, when it passes the requested position.
// The indices of a split ring wrap during the rounds.
TYPED_TEST(Queue, EventIndexSuppressesBothWays) {
  for (const std::uint16_t size : TypeParam::kSmallSizes) {
    if (size < 2) continue;
    SCOPED_TRACE(size);
    RingOf<TypeParam> ring(ring_config<TypeParam>(size, true));
    const std::array one{writable(0, 8)};
    Chain chain;
    Used used;
    for (int round = 0; round < 70000; ++round) {
      ASSERT_FALSE(ring.device.ask_for_kicks(true));
      ASSERT_FALSE(ring.driver.ask_for_notifications(true));
      ASSERT_EQ(ring.driver.add(one, 0), Status::Ok);
      ASSERT_TRUE(ring.driver.take_kick());
      ASSERT_EQ(ring.driver.add(one, 1), Status::Ok);
      ASSERT_FALSE(ring.driver.take_kick()) << "the device was kicked already";
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      ring.device.push(chain, 0);
      ASSERT_TRUE(ring.device.take_notification());
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      ring.device.push(chain, 0);
      ASSERT_FALSE(ring.device.take_notification());
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
    }
  }
}

// Between two decisions, a ring of one descriptor moves and returns to the same position. The movement counts
// nevertheless.
TYPED_TEST(Queue, AWholeRoundBetweenTwoDecisionsCounts) {
  for (const bool event_index : {false, true}) {
    RingOf<TypeParam> ring(ring_config<TypeParam>(1, event_index));
    const std::array one{writable(0, 8)};
    ASSERT_FALSE(ring.device.ask_for_kicks(true));
    ASSERT_FALSE(ring.driver.ask_for_notifications(true));
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(ring.driver.add(one, 0), Status::Ok);
      Chain chain;
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      ring.device.push(chain, 0);
      Used used;
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
    }
    EXPECT_TRUE(ring.driver.take_kick());
    EXPECT_TRUE(ring.device.take_notification());
  }
}

// 2.6.1: a queue that is stopped and started at its position continues without a difference, also while the
// device holds a chain.
TYPED_TEST(Queue, TheDeviceContinuesAtItsPosition) {
  for (const std::uint16_t size : TypeParam::kSmallSizes) {
    if (size < 2) continue;
    SCOPED_TRACE(size);
    RingOf<TypeParam> ring(ring_config<TypeParam>(size));
    const std::array two{readable(0, 1), writable(1, 8)};
    for (std::uint64_t i = 0; i < 100; ++i) {
      ASSERT_EQ(ring.driver.add(std::span(two).first(1 + i % 2), i), Status::Ok);
      Chain chain;
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      for (int times = 0; times < 2; ++times) {
        if (times == 1) ring.device.push(chain, 0);
        const QueuePosition position = ring.device.position();
        ring.device = typename TypeParam::Device();
        ASSERT_EQ(ring.start_device(position), Status::Ok);
      }
      Used used;
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
      ASSERT_EQ(used.token, i);
    }
  }
}

// The driver's end starts again in memory that still holds the used descriptors of its last use.
TYPED_TEST(Queue, TheDriverStartsAgainInUsedMemory) {
  RingOf<TypeParam> ring(ring_config<TypeParam>(4));
  const std::array one{writable(0, 8)};
  Chain chain;
  Used used;
  for (std::uint64_t life = 0; life < 20; ++life) {
    for (std::uint64_t i = 0; i < life; ++i) {
      ASSERT_EQ(ring.driver.add(one, i), Status::Ok);
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      ring.device.push(chain, 0);
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
    }
    ASSERT_EQ(ring.driver.start(ring_config<TypeParam>(4), ring.box.shared(), ring.own()), Status::Ok);
    ASSERT_EQ(ring.start_device(), Status::Ok);
    EXPECT_EQ(ring.driver.take(used), Taken::Nothing);
    EXPECT_EQ(ring.device.pop(chain), Popped::Nothing);
  }
}

}  // namespace
}  // namespace fallow::detail
