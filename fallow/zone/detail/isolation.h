// Isolation: takes unreported free frames out of reach, run by run, and puts them back.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "fallow/base/scatterlist.h"
#include "fallow/base/units.h"
#include "fallow/zone/allocation.h"
#include "fallow/zone/detail/runs.h"
#include "fallow/zone/detail/selection.h"
#include "fallow/zone/detail/zone_tables.h"

namespace fallow::detail {

// Walks the blocks that may hold something to report once, in ascending order, and fills one request after
// another. At most one thread at a time may use a zone's Isolation.
class Isolation {
 public:
  Isolation(ZoneTables& tables, const Selection& selection)
      : tables_(tables), want_(selection), unit_(unit_of(selection)) {}

  // Isolates runs of at most `most` frames in total into `list`, joining neighbouring runs, and returns the
  // number of entries filled. If the first free block does not fit, isolates a part of it in whole blocks of
  // the wanted order; the next call continues with the rest. So 0 means that the walk is over, or that `most`
  // is less than one block of that order.
  std::uint32_t fill(std::span<ScatterEntry> list, PfnCount most) noexcept;

  // Whether the walk left frames that the policy may want later: too young, not selected, or not fitting.
  bool left_something() const { return left_; }
  // Whether the walk is over.
  bool done() const { return next_ == kNoBlock; }

 private:
  struct Request;
  enum class Visit : std::uint8_t {
    Done,
    Full,     // some frames did not fit: the next request begins with this block
    Divided,  // the same with an empty request: the walk continues with the parts, from `begun_` on
  };

  // Blocks that were wanted as free areas list them and did not fit. The rest of them stays wanted, whatever
  // free areas it is in by then.
  struct Begun {
    std::uint32_t first = 0, count = 0;
    BlockBits rest;  // of each
  };

  // Returns the order that is isolated in one step, below order 9: that of the single wanted area, otherwise
  // the smallest wanted order.
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
  std::uint32_t ahead_ = kNoBlock;  // where the walk continues, if known already
  Begun begun_;
  bool left_ = false;
};

// Puts the frames of a request back (R7): as reported frames if `reported`, otherwise as unreported frames
// that are offered again. Any thread.
void put_back(ZoneTables& tables, std::span<const ScatterEntry> list, bool reported) noexcept;

// Counts unreported free blocks of each order from `order` on, as a buddy allocator would list them. Exact
// while no thread changes the zone. O(blocks that may hold something to report).
UnreportedCounts count_unreported(const ZoneTables& tables, Order order) noexcept;

}  // namespace fallow::detail
