// Turns runs of guest memory into discards of the underlying backings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/device/detail/guest_ranges.h"
#include "fallow/balloon/device/memory_map.h"

namespace fallow::detail {

// The result of a batch.
struct ReleaseOutcome {
  PfnCount released;
  std::uint64_t discards = 0;      // contiguous runs passed to a backing
  std::uint64_t part_of_page = 0;  // pieces with bytes that cover no whole host page
  std::uint64_t unpromised = 0;    // pieces not released, because the backing does not read back as zero
  std::uint64_t not_released = 0;  // discards that failed
};

// Which pages may be released, and which count as written.
struct ReleaseTerms {
  bool zero_needed = false;  // release only pages that read back as zero
  bool zero_counts = false;  // covered() counts only pages that read back as zero
};

// Handles one batch at a time: begin(), add() in ascending order, finish(), then covered().
//
// DEV-1: a byte is discarded only if an added range contains the byte. A range is trimmed inwards to whole
// frames, and each piece of a backing is trimmed inwards to whole host pages.
class Releaser {
 public:
  // The part of a range in one region: guest frames and the corresponding frames of the backing.
  struct Piece {
    Pfn guest, target;
    PfnCount count;
  };

  Releaser() = default;
  // `pieces` has one slot for each range of a batch, plus GuestMemory::kMaxRegions.
  Releaser(const MemoryMap& map, std::span<Piece> pieces) noexcept : map_(&map), pieces_(pieces) {}

  // Called only between two batches.
  void set_map(const MemoryMap& map) noexcept { map_ = &map; }

  void begin(ReleaseTerms terms) noexcept;
  // The whole range is in memory and lies behind the ranges added before.
  void add(GuestRange range) noexcept;
  const ReleaseOutcome& finish() noexcept;

  // Returns how many of the `length` bytes from `address` on the last batch released, up to the first byte
  // that was not released. O(log pieces + regions).
  ByteCount covered(GuestPhys address, ByteCount length) const noexcept;

 private:
  // A contiguous run of frames of one backing: pieces [first_piece, count_).
  struct Pending {
    MemoryBacking* backing = nullptr;  // null: no run is pending
    Pfn first, end;
    std::size_t first_piece = 0;
    bool cut = false;  // an edge did not fall on a frame boundary
  };

  // Runs of one backing that one call discards: pieces [first_piece, end_piece).
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
