// Isolation: takes unreported free frames out of reach, run by run, and puts them back.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "fallow/base/scatterlist.h"
#include "fallow/base/units.h"
#include "fallow/zone/detail/runs.h"
#include "fallow/zone/detail/zone_tables.h"
#include "fallow/zone/mobility.h"

namespace fallow::detail {

// What a reporting policy wants isolated.
struct Selection {
  static constexpr unsigned kAnyArea = ~0U;
  static constexpr unsigned kAnyMobility = ~0U;

  Order order{9};             // runs are made of aligned blocks of at least this order (R5)
  unsigned areas = kAnyArea;  // a bit for each order: only the free areas of these orders
  unsigned mobility = kAnyMobility;
  unsigned min_age = 0;  // ticks since the last free of any of its frames, 0 to 6
  bool join = true;      // neighbouring runs become one entry; if not, with one area, each block is an entry
};

// Walks the blocks that may hold something to report, once, in ascending order, and fills one request after
// the other. One thread at a time for one zone.
class Isolation {
 public:
  Isolation(ZoneTables& tables, const Selection& selection)
      : tables_(tables), want_(selection), unit_(unit_of(selection)) {}

  // Isolates runs of together at most `most` frames into `list`, neighbouring runs as one entry, and returns
  // how many entries it filled. Where not even the first free block fits, it takes a part of that, in whole
  // blocks of the order wanted; the next call goes on with the rest. So 0 means that the walk is over, or
  // that `most` is less than one block of that order.
  std::uint32_t fill(std::span<ScatterEntry> list, PfnCount most) noexcept;

  // Something that the policy may want later was left behind: too young, not selected, or not fitting.
  bool left_something() const { return left_; }
  // The walk saw all there was.
  bool done() const { return next_ == kNoBlock; }

 private:
  struct Request;
  enum class Visit : std::uint8_t {
    Done,
    Full,     // something did not fit the request: the next one begins with this block
    Divided,  // the same, and the request is empty: the walk goes on with the parts, from `begun_` on
  };

  // Blocks that were wanted as the free areas listed them, and did not fit. What is left of them stays
  // wanted, whatever free areas it is in by then.
  struct Begun {
    std::uint32_t first = 0, count = 0;
    BlockBits rest;  // of each
  };

  // What is isolated in one step, below order 9: the blocks of the one area that is asked for, or the
  // smallest.
  static unsigned unit_of(const Selection& want) {
    const bool blocks = !want.join && std::has_single_bit(want.areas) && want.areas < 1U << kBlockOrder.raw;
    return blocks ? static_cast<unsigned>(std::countr_zero(want.areas)) : want.order.raw;
  }

  BlockEntry look(std::uint32_t block) noexcept;
  Visit visit(std::uint32_t block, Request& request) noexcept;
  Visit visit_whole(std::uint32_t block, BlockEntry entry, Request& request) noexcept;
  Visit visit_words(std::uint32_t block, BlockEntry entry, Request& request) noexcept;
  Visit take_units(std::uint32_t block, const BlockBits& wanted, Request& request) noexcept;
  Visit take_parts(std::uint32_t block, const BlockBits& wanted, unsigned first, unsigned order,
                   Request& request) noexcept;
  bool begun(std::uint32_t block) const { return block - begun_.first < begun_.count; }
  Visit isolate_in_word(std::uint64_t word, std::uint32_t bits, Request& request) noexcept;
  Visit isolate_words(std::uint64_t first, unsigned count, Request& request) noexcept;
  BlockBits wanted_bits(std::uint32_t block, const BlockBits& unreported, BlockEntry entry) const noexcept;
  bool old_enough(BlockEntry entry, unsigned first_group, unsigned groups) const noexcept;
  bool isolate_blocks(std::uint32_t first, std::uint32_t count) noexcept;
  bool isolate_bits(std::uint64_t word, std::uint32_t bits) noexcept;
  void keep(std::uint32_t block) noexcept;

  ZoneTables& tables_;
  const Selection want_;
  const unsigned unit_;
  std::uint32_t next_ = 0;
  std::uint32_t ahead_ = kNoBlock;  // where the walk goes on, if that is known already
  Begun begun_;
  bool left_ = false;
};

// Puts the frames of a request back (R7): marked if `reported`, unmarked and up for another try if not. Any
// thread.
void put_back(ZoneTables& tables, std::span<const ScatterEntry> list, bool reported) noexcept;

// Unreported free blocks of each order, at least `order`, as a buddy allocator would list them: O(blocks that
// may hold something to report). Exact when nobody is changing the zone.
struct UnreportedCounts {
  std::uint64_t of[kMaxOrder.raw + 1] = {};
};
UnreportedCounts count_unreported(const ZoneTables& tables, Order order) noexcept;

}  // namespace fallow::detail
