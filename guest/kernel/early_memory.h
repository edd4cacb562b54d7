// Memory for what lives as long as the guest: taken from the map before there is a zone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "guest/kernel/machine.h"
#include "guest/kernel/memory_layout.h"

namespace fallow::guest {

// At the start, by CPU 0 alone. What is taken is never given back.
class EarlyMemory {
 public:
  EarlyMemory(Machine& machine, MemoryLayout& layout) noexcept : machine_(machine), layout_(layout) {}

  // Where a piece lies, for us and for a device.
  struct Place {
    std::byte* memory = nullptr;
    GuestPhys address;
  };

  // Whole frames, zero-filled. Null when there is no more.
  Place take(ByteCount size) noexcept {
    const PfnCount count = whole_frames({size.raw + kFrameSize - 1});
    const Pfn first = layout_.carve(count);
    if (first.raw == 0) return {};
    std::byte* const memory = machine_.at(address_of(first));
    __builtin_memset(memory, 0, bytes(count).raw);
    return {memory, address_of(first)};
  }

  std::span<std::byte> take_bytes(ByteCount size) noexcept {
    std::byte* const memory = take(size).memory;
    return {memory, memory == nullptr ? 0 : size.raw};
  }

  // `count` objects of a type for which zero bytes are a value; empty when there is no more.
  template <class T>
  std::span<T> take_array(std::size_t count) noexcept {
    if (count == 0 || count > ~std::size_t{0} / sizeof(T) / 2) return {};
    std::byte* const memory = take({count * sizeof(T)}).memory;
    if (memory == nullptr) return {};
    T* const first = reinterpret_cast<T*>(memory);
    for (std::size_t i = 0; i < count; ++i) new (first + i) T{};
    return {first, count};
  }

  // Null when there is no more.
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments) noexcept {
    std::byte* const memory = take({sizeof(T)}).memory;
    return memory == nullptr ? nullptr : new (memory) T(std::forward<Arguments>(arguments)...);
  }

 private:
  Machine& machine_;
  MemoryLayout& layout_;
};

}  // namespace fallow::guest
