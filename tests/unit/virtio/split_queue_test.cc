// Both ends of a split ring together: rules without a counterpart in the packed format.
#include <gtest/gtest.h>

#include "tests/unit/virtio/ring_format.h"

namespace fallow::detail {
namespace {

// 2.7.5.3.2: direct descriptors may precede a table; the write flag of the descriptor of the table is
// ignored.
TEST(SplitQueue, DescriptorsMayComeBeforeATable) {
  RingOf<SplitFormat> ring(indirect_config<SplitFormat>(4, 0, 0));
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

// 2.7.7.2: compares the arithmetic of the event with its definition, for every step of a small window around
// the wrap.
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

}  // namespace
}  // namespace fallow::detail
