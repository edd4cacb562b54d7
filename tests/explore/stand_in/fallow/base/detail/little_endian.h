// Stands in for the core's header of this name where the core is compiled for the explorer. The integers and
// their accesses are the same, but each access names the line of the core that makes it, so that a trace can
// print this line and a mutation can choose it.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

namespace fallow::detail {

template <class T>
constexpr T little_endian(T value) noexcept {
  static_assert(std::endian::native == std::endian::little);
  return value;
}

template <class T>
class LittleEndian {
  using Site = explore::Site;

 public:
  LittleEndian() = default;
  constexpr explicit LittleEndian(T value) noexcept : raw_(value) {}

  T load(std::memory_order order = std::memory_order_relaxed, Site site = Site::current()) const noexcept {
    return std::atomic_ref<T>(const_cast<T&>(raw_)).load(order, site);
  }
  void store(T value, std::memory_order order = std::memory_order_relaxed,
             Site site = Site::current()) noexcept {
    std::atomic_ref<T>(raw_).store(value, order, site);
  }

 private:
  alignas(sizeof(T)) T raw_ = 0;
};

using Le16 = LittleEndian<std::uint16_t>;
using Le32 = LittleEndian<std::uint32_t>;
using Le64 = LittleEndian<std::uint64_t>;
static_assert(sizeof(Le16) == 2 && sizeof(Le32) == 4 && sizeof(Le64) == 8);

}  // namespace fallow::detail
