// Integers in memory shared with a device or a driver: little-endian on every processor.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

namespace fallow::detail {

/// Converts between the processor's byte order and little-endian. The conversion is its own inverse.
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

/// A little-endian integer, aligned to its size. Each access is one atomic operation, because the other side
/// may write at any moment. Fetch a value once, then check and use only the fetched copy.
template <class T>
class LittleEndian {
 public:
  LittleEndian() = default;
  /// Holds `value`, given in the processor's byte order.
  constexpr explicit LittleEndian(T value) noexcept : raw_(little_endian(value)) {}

  /// Reads the value in the processor's byte order.
  T load(std::memory_order order = std::memory_order_relaxed) const noexcept {
    return little_endian(std::atomic_ref<T>(const_cast<T&>(raw_)).load(order));
  }
  /// Writes the value, given in the processor's byte order.
  void store(T value, std::memory_order order = std::memory_order_relaxed) noexcept {
    std::atomic_ref<T>(raw_).store(little_endian(value), order);
  }

 private:
  alignas(sizeof(T)) T raw_ = 0;
};

/// The type names of the specification (virtio 1.2, 1.4).
/// @{
using Le16 = LittleEndian<std::uint16_t>;
using Le32 = LittleEndian<std::uint32_t>;
using Le64 = LittleEndian<std::uint64_t>;
/// @}
static_assert(sizeof(Le16) == 2 && sizeof(Le32) == 4 && sizeof(Le64) == 8);

}  // namespace fallow::detail
