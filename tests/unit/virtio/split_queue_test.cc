// Both ends of a split ring together, on good terms.
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

using Ring = RingBox<SplitDriverQueue, SplitDeviceQueue>;

DriverQueueConfig config(std::uint16_t size, bool event_index = false) {
  return {.size = size, .ring = {.packed = false, .event_index = event_index, .indirect = false}};
}

DriverQueueConfig indirect(std::uint16_t size, std::uint16_t tables, std::uint16_t length) {
  return {.size = size,
          .ring = {.packed = false, .event_index = false, .indirect = true},
          .indirect_tables = tables,
          .indirect_length = length};
}

// 2.7.13, 2.7.14: what was added arrives, and what is returned comes back, with its token and length.
TEST(SplitQueue, AChainGoesThereAndBack) {
  Ring ring(config(8));
  const QueueBuffer buffers[] = {readable(0x1000, 16), writable(0x2000, 4096), writable(0x9000, 1)};
  ASSERT_EQ(ring.driver.add(buffers, 77), Status::Ok);
  Chain chain;
  ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
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

class SplitQueueSizes : public testing::TestWithParam<std::uint16_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, SplitQueueSizes,
                         testing::Values(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
                                         32768));

// Both indices pass 65535 several times at every size.
TEST_P(SplitQueueSizes, IndicesWrapAround) {
  Ring ring(config(GetParam()));
  std::uint64_t token = 0, back = 0;
  while (back < 3 * 65536) {
    while (ring.driver.add(std::array{writable(0x1000 * (token % 512), 8)}, token) == Status::Ok) ++token;
    EXPECT_EQ(ring.driver.in_flight(), GetParam());
    Chain chain;
    while (ring.device.pop(chain) == Popped::Chain) ring.device.push(chain, 8);
    Used used;
    while (ring.driver.take(used) == Taken::Used) ASSERT_EQ(used.token, back++);
  }
  EXPECT_EQ(ring.driver.in_flight(), 0u);
  EXPECT_EQ(ring.device.fault(), RingFault::None);
}

// A chain as long as the ring, and no longer.
TEST_P(SplitQueueSizes, AChainMayTakeAllDescriptors) {
  Ring ring(config(GetParam()));
  std::vector<QueueBuffer> buffers(GetParam(), writable(0x1000, 1));
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(ring.driver.add(buffers, 5), Status::Ok);
    EXPECT_EQ(ring.driver.add(std::array{writable(0, 1)}, 6), Status::NoMemory);
    Chain chain;
    ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
    EXPECT_EQ(chain.buffers.size(), buffers.size());
    ring.device.push(chain, 0);
    Used used;
    ASSERT_EQ(ring.driver.take(used), Taken::Used);
  }
  buffers.push_back(writable(0x1000, 1));
  EXPECT_EQ(ring.driver.add(buffers, 5), Status::InvalidArgument);
}

TEST(SplitQueue, ChainsMayComeBackInAnyOrder) {
  Ring ring(config(16));
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

TEST(SplitQueue, WhatMakesNoChainIsRefused) {
  Ring ring(config(4));
  EXPECT_EQ(ring.driver.add({}, 0), Status::InvalidArgument);
  EXPECT_EQ(ring.driver.add(std::array{writable(0, 1), readable(8, 1)}, 0), Status::InvalidArgument);
  EXPECT_EQ(ring.driver.in_flight(), 0u);
}

TEST(SplitQueue, ADriverCannotBeStartedWithWhatDoesNotFit) {
  GuestBox box(4 * 4096);
  std::vector<std::uint64_t> own(1024);
  const auto bytes = std::as_writable_bytes(std::span(own));
  SplitDriverQueue driver;
  EXPECT_EQ(driver.start(config(0), box.shared(), bytes), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(3), box.shared(), bytes), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(40000), box.shared(), bytes), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(4096), box.shared(), bytes), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(8), box.shared(), bytes.first(8)), Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(8), {box.at(box.base()) + 4, box.base(), {8192}}, bytes),
            Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(8), {box.at(box.base()), {box.base().raw + 8}, {8192}}, bytes),
            Status::InvalidArgument);
  EXPECT_EQ(driver.start(config(8), box.shared(), bytes), Status::Ok);
}

// 2.7.5.3: by a table while there is one, by the ring's own descriptors otherwise.
TEST(SplitQueue, IndirectTables) {
  Ring ring(indirect(4, 2, 3));
  const QueueBuffer three[] = {readable(0x1000, 1), writable(0x2000, 2), writable(0x3000, 4)};
  ASSERT_EQ(ring.driver.add(three, 0), Status::Ok);
  ASSERT_EQ(ring.driver.add(three, 1), Status::Ok);
  EXPECT_EQ(ring.driver.add(three, 2), Status::NoMemory);  // no table, and two descriptors
  EXPECT_EQ(ring.driver.add(std::span(three).first(2), 2), Status::Ok);
  Chain chain;
  for (std::uint64_t i = 0; i < 3; ++i) {
    ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
    EXPECT_EQ(chain.buffers.size(), i == 2 ? 2u : 3u);
    EXPECT_EQ(chain.buffers[1].address.raw, 0x2000u);
    ring.device.push(chain, 6);
    Used used;
    ASSERT_EQ(ring.driver.take(used), Taken::Used);
    EXPECT_EQ(used.token, i);
    EXPECT_EQ(used.length, i == 2 ? 2u : 6u);
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(ring.driver.add(three, 9), Status::Ok);
    ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
    ring.device.push(chain, 0);
    Used used;
    ASSERT_EQ(ring.driver.take(used), Taken::Used);
  }
}

// 2.7.5.3.2: normal descriptors followed by a table, whose write flag is ignored.
TEST(SplitQueue, DescriptorsMayComeBeforeATable) {
  Ring ring(indirect(4, 0, 0));
  auto* const table = &ring.box.as<VirtqDesc>(ring.driver.addresses().descriptors);
  auto* const inner = &ring.box.as<VirtqDesc>(ring.extra());
  const auto write = [](VirtqDesc& cell, std::uint64_t addr, std::uint32_t len, unsigned flags,
                        unsigned next) {
    cell.addr.store(addr);
    cell.len.store(len);
    cell.flags.store(static_cast<std::uint16_t>(flags));
    cell.next.store(static_cast<std::uint16_t>(next));
  };
  write(table[2], 0x5000, 7, kDescNext, 1);
  write(table[1], ring.extra().raw, 32, kDescIndirect | kDescWrite, 0);
  write(inner[0], 0x6000, 8, kDescNext, 1);
  write(inner[1], 0x7000, 9, kDescWrite, 0);
  AvailRing avail(ring.box.at(ring.driver.addresses().driver_area), 4);
  avail.ring(0).store(2);
  avail.idx().store(1);
  Chain chain;
  ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
  ASSERT_EQ(chain.buffers.size(), 3u);
  EXPECT_EQ(chain.id, 2u);
  EXPECT_FALSE(chain.buffers[1].device_writable);
  EXPECT_EQ(chain.buffers[2].address.raw, 0x7000u);
}

// 2.7.10, 2.7.7 without the event index: flags.
TEST(SplitQueue, FlagsSuppressBothWays) {
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

// 2.7.7.2, 2.7.10 with it: once, when the index passes the event.
TEST(SplitQueue, EventIndexSuppressesBothWays) {
  Ring ring(config(8, true));
  const std::array one{writable(0, 8)};
  Chain chain;
  Used used;
  for (int round = 0; round < 70000; ++round) {
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

// 2.7.7.2: the arithmetic of the event against its definition, for every step of a small window around the
// wrap.
TEST(SplitQueue, EventPassedAgreesWithCounting) {
  for (unsigned start = 65520; start < 65536 + 16; ++start) {
    for (unsigned steps = 1; steps < 32; ++steps) {
      for (unsigned event = start - 16; event < start + 48; ++event) {
        bool passed = false;
        for (unsigned i = 0; i < steps; ++i) passed = passed || ((start + i) & 0xffff) == (event & 0xffff);
        ASSERT_EQ(event_passed(static_cast<std::uint16_t>(event), static_cast<std::uint16_t>(start + steps),
                               static_cast<std::uint16_t>(start)),
                  passed)
            << start << ' ' << steps << ' ' << event;
      }
    }
  }
}

// 2.6.1: a queue that is stopped and started where it was goes on as if nothing had been.
TEST(SplitQueue, TheDeviceContinuesWhereItWas) {
  Ring ring(config(4));
  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_EQ(ring.driver.add(std::array{writable(i, 8)}, i), Status::Ok);
    Chain chain;
    ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
    ring.device.push(chain, 8);
    const QueuePosition position = ring.device.position();
    ring.device = SplitDeviceQueue();
    ASSERT_EQ(ring.start_device(position), Status::Ok);
    Used used;
    ASSERT_EQ(ring.driver.take(used), Taken::Used);
    ASSERT_EQ(used.token, i);
  }
}

// MO-10, MO-11, MO-12: two threads, each asleep while it has nothing to do. Content is handed over both ways.
TEST(SplitQueue, TwoThreads) {
  constexpr std::uint64_t kChains = 30000;
  for (const bool event_index : {false, true}) {
    Ring ring(config(4, event_index), 4 * 4096);
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
    std::uint64_t added = 0, back = 0;
    while (back < kChains) {
      const GuestPhys slot = ring.extra() + ByteCount{added % 8 * 8};
      if (added < kChains && added - back < 4) {
        ring.box.as<std::uint64_t>(slot) = added;
        ASSERT_EQ(ring.driver.add(std::array{writable(slot.raw, 8)}, added++), Status::Ok);
        if (ring.driver.take_kick()) kicks.fetch_add(1);
        continue;
      }
      Used used;
      if (ring.driver.take(used) == Taken::Used) {
        ASSERT_EQ(used.token, back++);
        ASSERT_EQ(ring.box.as<std::uint64_t>(ring.extra() + ByteCount{used.token % 8 * 8}), used.token * 3);
      } else if (!ring.driver.ask_for_notifications(true)) {
        sleep(notifications);
      }
    }
    device.join();
  }
}

}  // namespace
}  // namespace fallow::detail
