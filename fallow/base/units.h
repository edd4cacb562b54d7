// Units as types: a page frame number, a frame count, a byte count, an order and a time never mix silently.
// Each is one integer wide and is passed in a register.
#pragma once

#include "fallow/base/language.h"

#include <compare>
#include <cstddef>
#include <cstdint>

namespace fallow {

/// A page frame is 4 KiB on every machine.
inline constexpr unsigned kFrameShift = 12;
inline constexpr std::uint64_t kFrameSize = std::uint64_t{1} << kFrameShift;

/// A number of page frames of 4 KiB.
struct PfnCount {
  std::uint64_t raw = 0;
  friend constexpr auto operator<=>(PfnCount, PfnCount) = default;
  constexpr PfnCount& operator+=(PfnCount n) {
    raw += n.raw;
    return *this;
  }
  constexpr PfnCount& operator-=(PfnCount n) {
    raw -= n.raw;
    return *this;
  }
};
constexpr PfnCount operator+(PfnCount a, PfnCount b) { return {a.raw + b.raw}; }
constexpr PfnCount operator-(PfnCount a, PfnCount b) { return {a.raw - b.raw}; }

/// A page frame number: the physical address divided by 4 KiB.
struct Pfn {
  std::uint64_t raw = 0;
  friend constexpr auto operator<=>(Pfn, Pfn) = default;
};
constexpr Pfn operator+(Pfn p, PfnCount n) { return {p.raw + n.raw}; }
constexpr PfnCount operator-(Pfn a, Pfn b) { return {a.raw - b.raw}; }

/// A number of bytes.
struct ByteCount {
  std::uint64_t raw = 0;
  friend constexpr auto operator<=>(ByteCount, ByteCount) = default;
};
constexpr ByteCount operator+(ByteCount a, ByteCount b) { return {a.raw + b.raw}; }
constexpr ByteCount operator-(ByteCount a, ByteCount b) { return {a.raw - b.raw}; }
constexpr ByteCount bytes(PfnCount n) { return {n.raw << kFrameShift}; }
/// Rounds down: an incomplete last frame does not count.
constexpr PfnCount whole_frames(ByteCount b) { return {b.raw >> kFrameShift}; }

/// A guest physical address, in bytes.
struct GuestPhys {
  std::uint64_t raw = 0;
  friend constexpr auto operator<=>(GuestPhys, GuestPhys) = default;
};
constexpr GuestPhys operator+(GuestPhys a, ByteCount n) { return {a.raw + n.raw}; }
constexpr ByteCount operator-(GuestPhys a, GuestPhys b) { return {a.raw - b.raw}; }
constexpr GuestPhys address_of(Pfn p) { return {p.raw << kFrameShift}; }

/// The order of a block: a block of order n has 2^n frames and is aligned to its size.
struct Order {
  std::uint8_t raw = 0;
  friend constexpr auto operator<=>(Order, Order) = default;
};
inline constexpr Order kMaxOrder{10};
constexpr PfnCount frames(Order o) { return {std::uint64_t{1} << o.raw}; }
constexpr bool aligned(Pfn p, Order o) { return (p.raw & (frames(o).raw - 1)) == 0; }

/// A point in monotonic time, or a duration.
struct Nanoseconds {
  std::uint64_t raw = 0;
  friend constexpr auto operator<=>(Nanoseconds, Nanoseconds) = default;
};
/// A deadline that never passes.
inline constexpr Nanoseconds kNever{~std::uint64_t{0}};
constexpr Nanoseconds milliseconds(std::uint64_t ms) { return {ms * 1'000'000}; }
constexpr Nanoseconds seconds(std::uint64_t s) { return {s * 1'000'000'000}; }
/// Saturates at kNever, so that kNever plus any duration is kNever.
constexpr Nanoseconds operator+(Nanoseconds a, Nanoseconds b) {
  return a.raw > kNever.raw - b.raw ? kNever : Nanoseconds{a.raw + b.raw};
}
constexpr Nanoseconds operator-(Nanoseconds a, Nanoseconds b) { return {a.raw - b.raw}; }

}  // namespace fallow
