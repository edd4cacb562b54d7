// Integers as they lie in memory that two ends share: little-endian, whatever the processor.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

namespace fallow {

// Converts between the processor's order and little-endian, which is the same step both ways.
template <class T>
constexpr T little_endian(T value) noexcept {
  if constexpr (std::endian::native == std::endian::little || sizeof(T) == 1) {
    return value;
  } else {
    T swapped = 0;
    for (unsigned i = 0; i < sizeof(T); ++i)
      swapped = static_cast<T>(swapped << 8 | ((value >> (8 * i)) & 0xff));
    return swapped;
  }
}

// A little-endian integer, aligned to its size. Each access is one atomic operation: the other end may write
// at any moment, so a value is fetched once, and only what was fetched is checked and used.
template <class T>
class LittleEndian {
 public:
  LittleEndian() = default;
  constexpr explicit LittleEndian(T value) noexcept : raw_(little_endian(value)) {}

  T load(std::memory_order order = std::memory_order_relaxed) const noexcept {
    return little_endian(std::atomic_ref<T>(const_cast<T&>(raw_)).load(order));
  }
  void store(T value, std::memory_order order = std::memory_order_relaxed) noexcept {
    std::atomic_ref<T>(raw_).store(little_endian(value), order);
  }

 private:
  alignas(sizeof(T)) T raw_ = 0;
};

// The names of the specification (virtio 1.2, 1.4).
using Le16 = LittleEndian<std::uint16_t>;
using Le32 = LittleEndian<std::uint32_t>;
using Le64 = LittleEndian<std::uint64_t>;
static_assert(sizeof(Le16) == 2 && sizeof(Le32) == 4 && sizeof(Le64) == 8);

}  // namespace fallow
