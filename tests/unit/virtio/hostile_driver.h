// A driver that breaks the rules of a ring, in both formats: the ring's device end, and descriptors that the
// test writes into guest memory.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>

#include "tests/unit/virtio/ring_format.h"

namespace fallow::detail {

template <class Format>
class HostileDriver : public testing::Test {
 protected:
  static constexpr std::uint16_t kSize = Format::kPacked ? 5 : 8;
  // Packed: flags of a descriptor that is available in the first round, and in the second.
  static constexpr unsigned kFirst = kPackedAvail, kSecond = kPackedUsed;
  // The id of each chain that offer() writes: the head of a split ring, or a packed ring's buffer id.
  static constexpr std::uint16_t kOfferedId = Format::kPacked ? 3 : 0;

  struct Cell {
    std::uint64_t addr = 0;
    std::uint32_t len = 0;
    unsigned flags = 0;
  };

  HostileDriver() : box(8 * 4096), room(kSize) {
    at = {kSize, box.base(), box.base() + ByteCount{0x400}, box.base() + ByteCount{0x800}};
    EXPECT_EQ(start(), Status::Ok);
  }
  Status start(bool indirect = true, QueuePosition position = QueuePosition::fresh(Format::kPacked)) {
    next = 0;
    return queue.start(box.map(), at, {.packed = Format::kPacked, .event_index = true, .indirect = indirect},
                       position, room);
  }

  typename Format::Descriptor& desc(std::uint64_t i) {
    return box.as<typename Format::Descriptor>(at.descriptors + ByteCount{16 * i});
  }
  typename Format::Descriptor& inner(std::uint64_t i) {
    return box.as<typename Format::Descriptor>(table() + ByteCount{16 * i});
  }
  GuestPhys table() const { return box.base() + ByteCount{0x2000}; }
  AvailRing avail() { return {box.at(at.driver_area), kSize}; }  // split
  UsedRing used() { return {box.at(at.device_area), kSize}; }    // split

  // Writes a descriptor. `link` is the following descriptor (split) or the buffer id (packed).
  static void write(typename Format::Descriptor& cell, std::uint64_t addr, std::uint32_t len, unsigned flags,
                    unsigned link = 0) {
    cell.addr.store(addr);
    cell.len.store(len);
    if constexpr (Format::kPacked) {
      cell.id.store(static_cast<std::uint16_t>(link));
    } else {
      cell.next.store(static_cast<std::uint16_t>(link));
    }
    cell.flags.store(static_cast<std::uint16_t>(flags));
  }
  // Split: makes the chain at `head` available.
  void make_available(std::uint16_t head) {
    avail().ring(next++ % kSize).store(head);
    avail().idx().store(next);
  }
  // Writes the cells to the first descriptors of the ring and makes them available, in the first round.
  void offer(const std::vector<Cell>& cells) {
    for (unsigned i = 0; i < cells.size(); ++i) {
      const auto& [addr, len, flags] = cells[i];
      write(desc(i), addr, len, flags | (Format::kPacked ? kFirst : 0), Format::kPacked ? kOfferedId : i + 1);
    }
    if (!Format::kPacked) make_available(0);
  }
  // Offers the table as one descriptor with the given length and further flags.
  void offer_table(std::uint32_t bytes, unsigned flags = 0) {
    offer({{table().raw, bytes, kDescIndirect | flags}});
  }
  // Writes the cells to the indirect table. A split table links each to the next; a packed one has no links.
  void fill_table(const std::vector<Cell>& cells) {
    for (unsigned i = 0; i < cells.size(); ++i)
      write(inner(i), cells[i].addr, cells[i].len, cells[i].flags, Format::kPacked ? 0x1234 : i + 1);
  }
  // Returns a chain of `count` readable elements, each of which is linked to the next.
  static std::vector<Cell> chain_of(unsigned count) {
    std::vector<Cell> cells(count, {0x1000, 8, kDescNext});
    cells.back().flags = 0;
    return cells;
  }

  // Expects that the device refuses the next chain, writes nothing, and can be started again.
  void expect_fault(RingFault fault) {
    Chain chain;
    const QueuePosition before = queue.position();
    std::vector<std::byte> memory(box.at(box.base()), box.at(box.base()) + box.size());
    EXPECT_EQ(queue.pop(chain), Popped::Broken);
    EXPECT_EQ(queue.fault(), fault) << describe(queue.fault());
    EXPECT_EQ(queue.pop(chain), Popped::Broken) << "a broken queue stays broken";
    EXPECT_EQ(queue.position().next_avail, before.next_avail) << "a refused chain was taken";
    EXPECT_EQ(std::memcmp(memory.data(), box.at(box.base()), box.size()), 0) << "guest memory was written";
    if (!Format::kPacked) {
      EXPECT_EQ(used().idx().load(), 0u);
    }
    EXPECT_FALSE(queue.ask_for_kicks(true)) << "a broken queue has no chain to pop";
    EXPECT_EQ(start(), Status::Ok) << "a broken queue can be started again";
    EXPECT_EQ(queue.fault(), RingFault::None);
  }
  void expect_nothing() {
    Chain chain;
    EXPECT_EQ(queue.pop(chain), Popped::Nothing);
    EXPECT_EQ(queue.fault(), RingFault::None);
  }

  GuestBox box;
  std::vector<QueueBuffer> room;
  QueueAddresses at;
  typename Format::Device queue;
  std::uint16_t next = 0;  // split: the available index
};

}  // namespace fallow::detail
