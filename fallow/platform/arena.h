// A small allocator over memory that somebody else owns: for ports without a heap.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/base/units.h"

namespace fallow {

// First fit over a list of holes in address order; neighbouring holes are merged. Made for a handful of
// long-lived pieces: both operations are linear in the number of holes. Not thread-safe.
class Arena {
 public:
  // Every piece starts, and takes up, a multiple of this.
  static constexpr std::size_t kGrain = 64;

  // The memory must outlive the arena. What does not fill whole grains at its ends stays unused.
  explicit Arena(std::span<std::byte> memory) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Zero-filled; null when there is no hole of that size, or the size is 0.
  void* allocate(ByteCount size) noexcept;

  // `memory` came from allocate(size).
  void release(void* memory, ByteCount size) noexcept;

  // Bytes in holes. Linear in their number.
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

}  // namespace fallow
