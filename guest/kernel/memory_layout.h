// The page frames that the guest may use: those that the boot loader calls usable, less those already taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/units.h"
#include "guest/kernel/machine.h"

namespace fallow::guest {

struct FrameRange {
  Pfn first;
  PfnCount count;
  constexpr Pfn end() const { return first + count; }
};

// Up to kMostPieces runs of whole frames, ascending and separated by gaps. The boot loader's maps are not
// trusted: ranges that are empty, inverted, overlapping or unsorted are accepted.
class MemoryLayout {
 public:
  static constexpr std::size_t kMostPieces = 128;
  // Frames from here on are left out: 2^48 bytes is the reach of four-level page tables.
  static constexpr Pfn kEnd{std::uint64_t{1} << 36};

  // Frame 0 is also left out, because its address is the null pointer.
  MemoryLayout(std::span<const MemoryRange> usable, std::span<const MemoryRange> taken) noexcept;

  std::span<const FrameRange> pieces() const noexcept { return {pieces_, count_}; }
  PfnCount total() const noexcept;
  // Frames left out because the list of pieces was full, or by drop_last().
  PfnCount left_out() const noexcept { return left_out_; }

  // Takes `count` frames off the end of the largest piece. Returns frame 0 if no piece is large enough.
  Pfn carve(PfnCount count) noexcept;

  // Leaves out the highest piece.
  void drop_last() noexcept;

 private:
  void add(FrameRange range) noexcept;
  void take_out(FrameRange range) noexcept;
  void insert(std::size_t at, FrameRange piece) noexcept;
  void erase(std::size_t at) noexcept;

  FrameRange pieces_[kMostPieces];
  std::size_t count_ = 0;
  PfnCount left_out_;
};

}  // namespace fallow::guest
