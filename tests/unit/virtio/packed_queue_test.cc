// Both ends of a packed ring together, on good terms.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

using Ring = RingBox<PackedDriverQueue, PackedDeviceQueue>;

DriverQueueConfig config(std::uint16_t size, bool event_index = false) {
  return {.size = size, .ring = {.packed = true, .event_index = event_index, .indirect = false}};
}

DriverQueueConfig indirect(std::uint16_t size, std::uint16_t tables, std::uint16_t length) {
  return {.size = size,
          .ring = {.packed = true, .event_index = false, .indirect = true},
          .indirect_tables = tables,
          .indirect_length = length};
}

// 2.8.21, 2.8.22: what was added arrives, and what is returned comes back, with its token and length.
TEST(PackedQueue, AChainGoesThereAndBack) {
  Ring ring(config(8));
  const QueueBuffer buffers[] = {readable(0x1000, 16), writable(0x2000, 4096), writable(0x9000, 1)};
  ASSERT_EQ(ring.driver.add(buffers, 77), Status::Ok);
  Chain chain;
  ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.slots, 3u);
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

class PackedQueueSizes : public testing::TestWithParam<std::uint16_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, PackedQueueSizes,
                         testing::Values(1, 2, 3, 4, 5, 7, 8, 255, 256, 32767, 32768));

// The ring, not only a power of two, goes round many times, with chains that lie across its end.
TEST_P(PackedQueueSizes, WrapsAround) {
  Ring ring(config(GetParam()));
  const std::vector<QueueBuffer> buffers(5, writable(0x1000, 8));
  std::uint64_t token = 0, back = 0;
  while (back < 3 * 65536) {
    const auto chain_of = [&](std::uint64_t n) {
      return std::span(buffers).first(std::min<std::size_t>(1 + n % 5, GetParam()));
    };
    while (ring.driver.add(chain_of(token), token) == Status::Ok) ++token;
    Chain chain;
    while (ring.device.pop(chain) == Popped::Chain) {
      ASSERT_EQ(chain.slots, chain.buffers.size());
      ring.device.push(chain, chain.slots);
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

// A chain as long as the ring, and no longer.
TEST_P(PackedQueueSizes, AChainMayTakeAllDescriptors) {
  Ring ring(config(GetParam()));
  std::vector<QueueBuffer> buffers(GetParam(), writable(0x1000, 1));
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

// 2.8: used descriptors are written in the order of completion, over chains that are still in flight.
TEST(PackedQueue, ChainsMayComeBackInAnyOrder) {
  Ring ring(config(17));
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

TEST(PackedQueue, WhatMakesNoChainIsRefused) {
  Ring ring(config(4));
  EXPECT_EQ(ring.driver.add({}, 0), Status::InvalidArgument);
  EXPECT_EQ(ring.driver.add(std::array{writable(0, 1), readable(8, 1)}, 0), Status::InvalidArgument);
  EXPECT_EQ(ring.driver.in_flight(), 0u);
}

TEST(PackedQueue, ADriverCannotBeStartedWithWhatDoesNotFit) {
  GuestBox box(4 * 4096);
  std::vector<std::uint64_t> own(1024);
  const auto bytes = std::as_writable_bytes(std::span(own));
  PackedDriverQueue driver;
  EXPECT_EQ(driver.start(config(0), box.shared(), bytes), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(32769), box.shared(), bytes), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(4096), box.shared(), bytes), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(8), box.shared(), bytes.first(8)), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(8), {box.at(box.base()) + 4, box.base(), {8192}}, bytes),
            Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(8), {box.at(box.base()), {box.base().raw + 8}, {8192}}, bytes),
            Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(3), box.shared(), bytes), Status::Ok);
}

// 2.8.7: by a table while there is one, by the ring's own descriptors otherwise, mixed in one ring.
TEST(PackedQueue, IndirectTables) {
  Ring ring(indirect(4, 2, 3));
  const QueueBuffer three[] = {readable(0x1000, 1), writable(0x2000, 2), writable(0x3000, 4)};
  Chain chain;
  Used used;
  for (int round = 0; round < 10; ++round) {
    ASSERT_EQ(ring.driver.add(three, 0), Status::Ok);
    ASSERT_EQ(ring.driver.add(three, 1), Status::Ok);
    EXPECT_EQ(ring.driver.add(three, 2), Status::NoMemory);  // no table, and two descriptors
    ASSERT_EQ(ring.driver.add(std::span(three).first(2), 2), Status::Ok);
    for (std::uint64_t i = 0; i < 3; ++i) {
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      EXPECT_EQ(chain.slots, i == 2 ? 2u : 1u);
      ASSERT_EQ(chain.buffers.size(), i == 2 ? 2u : 3u);
      EXPECT_EQ(chain.buffers[1].address.raw, 0x2000u);
      ring.device.push(chain, 6);
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
      EXPECT_EQ(used.token, i);
      EXPECT_EQ(used.length, i == 2 ? 2u : 6u);
    }
  }
}

// 2.8.10 without the event index: enable and disable only.
TEST(PackedQueue, FlagsSuppressBothWays) {
  Ring ring(config(8));
  const std::array one{writable(0, 8)};
  EXPECT_FALSE(ring.device.ask_for_kicks(true));
  ASSERT_EQ(ring.driver.add(one, 0), Status::Ok);
  EXPECT_TRUE(ring.driver.take_kick());
  EXPECT_FALSE(ring.driver.take_kick()) << "nothing was added since";
  EXPECT_FALSE(ring.device.ask_for_kicks(false));
  ASSERT_EQ(ring.driver.add(one, 1), Status::Ok);
  EXPECT_FALSE(ring.driver.take_kick());
  EXPECT_TRUE(ring.device.ask_for_kicks(true)) << "two chains wait";
  const auto& event = ring.box.as<PvirtqEventSuppress>(ring.driver.addresses().device_area);
  EXPECT_EQ(event.flags.load(), kRingEventEnable);
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

// 2.8.10 with it: once, when the other end passes the descriptor that was named.
TEST(PackedQueue, EventIndexSuppressesBothWays) {
  for (const auto size : std::initializer_list<std::uint16_t>{2, 3, 4, 7, 8}) {
    Ring ring(config(size, true));
    const std::array one{writable(0, 8)};
    Chain chain;
    Used used;
    for (int round = 0; round < 1000; ++round) {
      ASSERT_FALSE(ring.device.ask_for_kicks(true));
      ASSERT_FALSE(ring.driver.ask_for_notifications(true));
      ASSERT_EQ(ring.driver.add(one, 0), Status::Ok);
      ASSERT_TRUE(ring.driver.take_kick());
      ASSERT_EQ(ring.driver.add(one, 1), Status::Ok);
      ASSERT_FALSE(ring.driver.take_kick()) << "it has been told";
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

// A ring that is back at the same position, having gone round between two looks, has moved nevertheless.
TEST(PackedQueue, ARoundWithoutALookIsNotNothing) {
  for (const bool event_index : {false, true}) {
    Ring ring(config(1, event_index));
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

// A queue that is stopped and started where it was goes on as if nothing had been; with chains that it holds
// as well.
TEST(PackedQueue, TheDeviceContinuesWhereItWas) {
  Ring ring(config(3));
  const std::array two{readable(0, 1), writable(1, 8)};
  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_EQ(ring.driver.add(std::span(two).first(1 + i % 2), i), Status::Ok);
    Chain chain;
    ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
    for (int times = 0; times < 2; ++times) {
      if (times == 1) ring.device.push(chain, 0);
      const QueuePosition position = ring.device.position();
      ring.device = PackedDeviceQueue();
      ASSERT_EQ(ring.start_device(position), Status::Ok);
    }
    Used used;
    ASSERT_EQ(ring.driver.take(used), Taken::Used);
    ASSERT_EQ(used.token, i);
  }
}

// The driver's end begins anew in memory that an earlier life left full of used descriptors.
TEST(PackedQueue, TheDriverStartsAnewInOldMemory) {
  Ring ring(config(4));
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
    ASSERT_EQ(ring.driver.start(config(4), ring.box.shared(), ring.own()), Status::Ok);
    ASSERT_EQ(ring.start_device(), Status::Ok);
    EXPECT_EQ(ring.driver.take(used), Taken::Nothing);
    EXPECT_EQ(ring.device.pop(chain), Popped::Nothing);
  }
}

// MO-13, MO-14, MO-15: two threads, each asleep while it has nothing to do. Content is handed over both ways.
class PackedQueueThreads : public testing::TestWithParam<std::tuple<std::uint16_t, bool>> {};
INSTANTIATE_TEST_SUITE_P(SizesAndEventIndex, PackedQueueThreads,
                         testing::Combine(testing::Values(1, 3, 4), testing::Bool()));

TEST_P(PackedQueueThreads, NobodySleepsForEver) {
  constexpr std::uint64_t kChains = 20000;
  const auto [size, event_index] = GetParam();
  Ring ring(config(size, event_index), 4 * 4096);
  std::atomic<std::uint32_t> kicks{0}, notifications{0};
  const auto sleep = [](std::atomic<std::uint32_t>& doorbell) {
    while (doorbell.exchange(0) == 0) std::this_thread::yield();
  };
  std::thread device([&] {
    for (std::uint64_t served = 0; served < kChains;) {
      Chain chain;
      if (ring.device.pop(chain) == Popped::Chain) {
        auto& value = ring.box.as<std::uint64_t>(chain.buffers[0].address);
        value = value * 3;
        ring.device.push(chain, 8);
        ++served;
        if (ring.device.take_notification()) notifications.fetch_add(1);
      } else if (!ring.device.ask_for_kicks(true)) {
        sleep(kicks);
      }
    }
  });
  const auto place = [&](std::uint64_t n) { return ring.extra() + ByteCount{n % 8 * 8}; };
  const std::vector<QueueBuffer> tail(size, writable(0, 0));
  std::uint64_t added = 0, back = 0;
  while (back < kChains) {
    ring.box.as<std::uint64_t>(place(added)) = added;
    std::vector<QueueBuffer> chain(tail.begin(), tail.begin() + static_cast<int>(1 + added % size));
    chain[0] = writable(place(added).raw, 8);
    if (added < kChains && added - back < 4 && ring.driver.add(chain, added) == Status::Ok) {
      ++added;
      if (ring.driver.take_kick()) kicks.fetch_add(1);
      continue;
    }
    Used used;
    if (ring.driver.take(used) == Taken::Used) {
      ASSERT_EQ(used.token, back++);
      ASSERT_EQ(ring.box.as<std::uint64_t>(place(used.token)), used.token * 3);
    } else if (!ring.driver.ask_for_notifications(true)) {
      sleep(notifications);
    }
  }
  device.join();
}

}  // namespace
}  // namespace fallow::detail
