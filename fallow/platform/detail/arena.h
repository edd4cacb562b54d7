// A small allocator over memory supplied by the caller, for ports without a heap.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/base/units.h"

namespace fallow::detail {

/// A first-fit allocator over a list of holes in address order; neighbouring holes are merged. Meant for a
/// handful of long-lived allocations: allocation and release are linear in the number of holes. Not
/// thread-safe.
class Arena {
 public:
  /// Every allocation starts at a multiple of this many bytes and occupies a multiple of it.
  static constexpr std::size_t kGrain = 64;

  /// The memory must outlive the arena. Bytes at either end that do not fill a whole grain stay unused.
  explicit Arena(std::span<std::byte> memory) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Returns zero-filled memory; null if no hole is large enough, or if the size is 0.
  void* allocate(ByteCount size) noexcept;

  /// Gives back memory that came from allocate(size), with the same size.
  void release(void* memory, ByteCount size) noexcept;

  /// Returns the number of bytes in holes. Linear in the number of holes.
  ByteCount free_bytes() const noexcept;

 private:
  struct Hole {
    std::size_t size;
    Hole* next;
  };
  static_assert(sizeof(Hole) <= kGrain, "a hole's head lies in the hole");

  std::byte* begin_ = nullptr;
  std::byte* end_ = nullptr;
  Hole* holes_ = nullptr;
};

}  // namespace fallow::detail
