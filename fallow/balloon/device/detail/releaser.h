// Turns runs of guest memory into discards of the backings behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/device/detail/guest_ranges.h"
#include "fallow/balloon/device/memory_map.h"

namespace fallow::detail {

// What a batch came to.
struct ReleaseOutcome {
  PfnCount released;
  std::uint64_t discards = 0;      // runs without a gap that a backing was to release
  std::uint64_t part_of_page = 0;  // pieces that lost bytes which make up no whole host page
  std::uint64_t unpromised = 0;    // pieces left alone, as the backing does not read back as zero
  std::uint64_t not_released = 0;  // discards that failed
};

// Which pages may be released, and which count as written.
struct ReleaseTerms {
  bool zero_needed = false;  // only what reads back as zero is released
  bool zero_counts = false;  // only what reads back as zero counts for covered()
};

// One batch at a time: begin(), add() in ascending order, finish(), then covered().
//
// DEV-1: a byte is discarded only if it is in a range that was added. A range is cut to whole frames, and
// what of it is one piece of a backing to whole host pages; both only ever inwards.
class Releaser {
 public:
  // A part of a range in one region: guest frames, and the backing's frames that stand for them.
  struct Piece {
    Pfn guest, target;
    PfnCount count;
  };

  Releaser() = default;
  // `pieces`: as many places as ranges are added in a batch, and GuestMemory::kMaxRegions.
  Releaser(const MemoryMap& map, std::span<Piece> pieces) noexcept : map_(&map), pieces_(pieces) {}

  // Between two batches.
  void set_map(const MemoryMap& map) noexcept { map_ = &map; }

  void begin(ReleaseTerms terms) noexcept;
  // All of it is in memory, and behind the ranges added before.
  void add(GuestRange range) noexcept;
  const ReleaseOutcome& finish() noexcept;

  // How many of the `length` bytes from `address` on were released by the last batch, up to the first that
  // was not. O(log pieces + regions).
  ByteCount covered(GuestPhys address, ByteCount length) const noexcept;

 private:
  // Frames of one backing without a gap: pieces [first_piece, count_).
  struct Pending {
    MemoryBacking* backing = nullptr;  // null: nothing is pending
    Pfn first, end;
    std::size_t first_piece = 0;
    bool cut = false;  // bytes at an edge were no whole frame
  };

  // Runs of one backing that are discarded together: pieces [first_piece, end_piece).
  static constexpr std::size_t kTogether = 32;
  struct Batch {
    MemoryBacking* backing = nullptr;
    std::size_t count = 0, first_piece = 0, end_piece = 0;
    ScatterEntry runs[kTogether];
    Status answers[kTogether];
  };

  void add_part(std::size_t region, GuestRange part) noexcept;
  void flush() noexcept;
  void keep_within(Pfn first, Pfn end) noexcept;
  void discard_batch() noexcept;
  void drop_pieces(const ScatterEntry& run) noexcept;

  const MemoryMap* map_ = nullptr;
  std::span<Piece> pieces_;
  std::size_t count_ = 0;
  Pending pending_;
  Batch batch_;
  ReleaseTerms terms_;
  ReleaseOutcome outcome_;
};

}  // namespace fallow::detail
