// Zero-initialised bytes with a chosen alignment; only touched pages use memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "fallow/base/units.h"
#include "replay/zeroed_array.h"

namespace fallow::replay {

class ZeroedMemory {
 public:
  // Allocates the memory. Must be called at most once. Returns false if there is no memory. `alignment` is a
  // power of two.
  bool take(ByteCount size, std::size_t alignment) {
    std::size_t space = size.raw + alignment;
    array_ = zeroed_array<std::byte>(space);
    if (array_ == nullptr) return false;
    void* aligned = array_.get();
    std::align(alignment, size.raw, aligned, space);
    bytes_ = {static_cast<std::byte*>(aligned), size.raw};
    return true;
  }
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  ZeroedArray<std::byte> array_;
  std::span<std::byte> bytes_;
};

}  // namespace fallow::replay
