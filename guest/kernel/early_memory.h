// Permanent memory for objects that live as long as the guest, carved from the memory map before zones exist.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "guest/kernel/machine.h"
#include "guest/kernel/memory_layout.h"

namespace fallow::guest {

// Used by CPU 0 alone, during startup. Memory is never returned.
class EarlyMemory {
 public:
  EarlyMemory(Machine& machine, MemoryLayout& layout) noexcept : machine_(machine), layout_(layout) {}

  // The virtual and the guest-physical address of a piece.
  struct Piece {
    std::byte* memory = nullptr;
    GuestPhys address;
  };

  // Takes whole frames, zero-filled. `memory` is null if memory is short.
  Piece take(ByteCount size) noexcept {
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

  // Takes `count` value-initialised objects. Empty if memory is short.
  template <class T>
  std::span<T> take_array(std::size_t count) noexcept {
    if (count == 0 || count > ~std::size_t{0} / sizeof(T) / 2) return {};
    std::byte* const memory = take({count * sizeof(T)}).memory;
    if (memory == nullptr) return {};
    T* const first = reinterpret_cast<T*>(memory);
    for (std::size_t i = 0; i < count; ++i) new (first + i) T{};
    return {first, count};
  }

  // Constructs one object. Null if memory is short.
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
