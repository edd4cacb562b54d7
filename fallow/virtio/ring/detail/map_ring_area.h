// A part of a ring that a driver names, as the device gets at it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/virtio/ring/guest_memory.h"

namespace fallow::detail {

// Where `size` bytes at `address` lie; null if they are not all in one region, or not aligned: both the
// address that the guest names, which the specification binds, and the one here, as what is accessed
// atomically must be.
inline std::byte* ring_area(const GuestMemory& memory, GuestPhys address, ByteCount size,
                            std::uint64_t alignment) noexcept {
  if (address.raw % alignment != 0) return nullptr;
  std::byte* const host = memory.translate(address, size);
  return reinterpret_cast<std::uintptr_t>(host) % alignment == 0 ? host : nullptr;
}

}  // namespace fallow::detail
