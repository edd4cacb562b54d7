// Units as types: a page frame number, a frame count, a byte count, an order and a time never mix silently.
// Each is one integer wide and is passed in a register.
#pragma once

#include "fallow/base/language.h"

#include <compare>
#include <cstddef>
#include <cstdint>

namespace fallow {

/// The size of a page frame is 2^kFrameShift = kFrameSize bytes: 4 KiB on every machine.
/// @{
inline constexpr unsigned kFrameShift = 12;
inline constexpr std::uint64_t kFrameSize = std::uint64_t{1} << kFrameShift;
/// @}

/// A number of page frames of 4 KiB.
struct PfnCount {
  std::uint64_t raw = 0;  ///< frames of 4 KiB
  /// Compares by number.
  friend constexpr auto operator<=>(PfnCount, PfnCount) = default;
  /// Adds or subtracts frames, modulo 2^64.
  /// @{
  constexpr PfnCount& operator+=(PfnCount n) {
    raw += n.raw;
    return *this;
  }
  constexpr PfnCount& operator-=(PfnCount n) {
    raw -= n.raw;
    return *this;
  }
  /// @}
};
/// Arithmetic of units, modulo 2^64: the caller ensures that a difference is not negative.
/// @{
constexpr PfnCount operator+(PfnCount a, PfnCount b) { return {a.raw + b.raw}; }
constexpr PfnCount operator-(PfnCount a, PfnCount b) { return {a.raw - b.raw}; }
/// @}

/// A page frame number: the physical address divided by 4 KiB.
struct Pfn {
  std::uint64_t raw = 0;  ///< the frame number
  /// Compares by number.
  friend constexpr auto operator<=>(Pfn, Pfn) = default;
};
/// A frame number plus frames, and the distance of two frame numbers (`a` not below `b`).
/// @{
constexpr Pfn operator+(Pfn p, PfnCount n) { return {p.raw + n.raw}; }
constexpr PfnCount operator-(Pfn a, Pfn b) { return {a.raw - b.raw}; }
/// @}

/// A number of bytes.
struct ByteCount {
  std::uint64_t raw = 0;  ///< bytes
  /// Compares by number.
  friend constexpr auto operator<=>(ByteCount, ByteCount) = default;
};
/// Arithmetic of bytes, modulo 2^64.
/// @{
constexpr ByteCount operator+(ByteCount a, ByteCount b) { return {a.raw + b.raw}; }
constexpr ByteCount operator-(ByteCount a, ByteCount b) { return {a.raw - b.raw}; }
/// @}
/// The size of `n` frames; fewer than 2^52, or the result wraps.
constexpr ByteCount bytes(PfnCount n) { return {n.raw << kFrameShift}; }
/// The frames that fit in `b`, rounded down: an incomplete last frame does not count.
constexpr PfnCount whole_frames(ByteCount b) { return {b.raw >> kFrameShift}; }

/// A guest physical address, in bytes.
struct GuestPhys {
  std::uint64_t raw = 0;  ///< the address, in bytes
  /// Compares by number.
  friend constexpr auto operator<=>(GuestPhys, GuestPhys) = default;
};
/// An address plus bytes, and the distance of two addresses (`a` not below `b`).
/// @{
constexpr GuestPhys operator+(GuestPhys a, ByteCount n) { return {a.raw + n.raw}; }
constexpr ByteCount operator-(GuestPhys a, GuestPhys b) { return {a.raw - b.raw}; }
/// @}
/// The address of the first byte of a frame below 2^52.
constexpr GuestPhys address_of(Pfn p) { return {p.raw << kFrameShift}; }

/// The order of a block: a block of order n has 2^n frames and is aligned to its size.
struct Order {
  std::uint8_t raw = 0;  ///< the exponent: 0 to kMaxOrder
  /// Compares by number.
  friend constexpr auto operator<=>(Order, Order) = default;
};
/// The largest order: blocks of 4 MiB.
inline constexpr Order kMaxOrder{10};
/// The number of frames in a block of this order.
constexpr PfnCount frames(Order o) { return {std::uint64_t{1} << o.raw}; }
/// Whether a block of this order may begin at `p`.
constexpr bool aligned(Pfn p, Order o) { return (p.raw & (frames(o).raw - 1)) == 0; }

/// A point in monotonic time, or a duration.
struct Nanoseconds {
  std::uint64_t raw = 0;  ///< nanoseconds
  /// Compares by number.
  friend constexpr auto operator<=>(Nanoseconds, Nanoseconds) = default;
};
/// A deadline that never passes.
inline constexpr Nanoseconds kNever{~std::uint64_t{0}};
/// A duration; wraps beyond 584 years.
/// @{
constexpr Nanoseconds milliseconds(std::uint64_t ms) { return {ms * 1'000'000}; }
constexpr Nanoseconds seconds(std::uint64_t s) { return {s * 1'000'000'000}; }
/// @}
/// Saturates at kNever, so that kNever plus any duration is kNever.
constexpr Nanoseconds operator+(Nanoseconds a, Nanoseconds b) {
  return a.raw > kNever.raw - b.raw ? kNever : Nanoseconds{a.raw + b.raw};
}
/// The time from `b` to `a`, which must not be before `b`.
constexpr Nanoseconds operator-(Nanoseconds a, Nanoseconds b) { return {a.raw - b.raw}; }

}  // namespace fallow
