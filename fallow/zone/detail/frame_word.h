// The state of 32 page frames in one 64-bit word, so that every change of it is one atomic operation.
//
//   used report the frame is
//    0    0      free
//    0    1      free and reported: not touched since its report (R8)
//    1    0      allocated, or in the hand of a local cache
//    1    1      isolated: it is being reported to a device (R6)
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::detail {

inline constexpr unsigned kWordShift = 5;
inline constexpr unsigned kWordFrames = 1U << kWordShift;
inline constexpr std::uint32_t kWholeWord = ~std::uint32_t{0};

// std::popcount() is a function call on targets without an instruction for it.
constexpr unsigned count_ones(std::uint32_t bits) {
  bits -= (bits >> 1) & 0x55555555;
  bits = (bits & 0x33333333) + ((bits >> 2) & 0x33333333);
  return ((bits + (bits >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

// The same, optimised for no bits and for all bits.
constexpr unsigned count_none_or_all(std::uint32_t bits) {
  if (bits == 0) return 0;
  return bits == kWholeWord ? kWordFrames : count_ones(bits);
}

struct FrameWord {
  std::uint64_t raw = 0;

  static constexpr FrameWord of(std::uint32_t used, std::uint32_t reported) {
    return {(std::uint64_t{reported} << 32) | used};
  }
  constexpr std::uint32_t used() const { return static_cast<std::uint32_t>(raw); }
  constexpr std::uint32_t report_bits() const { return static_cast<std::uint32_t>(raw >> 32); }
  constexpr std::uint32_t free() const { return ~used(); }
  constexpr std::uint32_t allocated() const { return used() & ~report_bits(); }
  constexpr bool all_allocated(std::uint32_t bits) const { return (raw & of(bits, bits).raw) == bits; }
  constexpr std::uint32_t isolated() const { return used() & report_bits(); }
  constexpr std::uint32_t unreported() const { return ~used() & ~report_bits(); }

  // Takes the frames in `bits` out of the free frames and clears their report bits.
  constexpr FrameWord take(std::uint32_t bits) const { return of(used() | bits, report_bits() & ~bits); }
  constexpr FrameWord give(std::uint32_t bits, std::uint32_t reported) const {
    return of(used() & ~bits, (report_bits() & ~bits) | reported);
  }
  // The same if all of `bits` are allocated.
  constexpr FrameWord give_allocated(std::uint32_t bits) const { return {raw & ~std::uint64_t{bits}}; }
  constexpr FrameWord isolate(std::uint32_t bits) const { return of(used() | bits, report_bits() | bits); }
};

// Returns the bits of a block of `order` (at most 5) whose first frame is bit `first`.
constexpr std::uint32_t word_bits(unsigned first, Order order) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << (1U << order.raw)) - 1) << first;
}

}  // namespace fallow::detail
