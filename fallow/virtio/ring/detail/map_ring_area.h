// Maps a ring area that the driver names to memory of the device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/virtio/ring/guest_memory.h"

namespace fallow::detail {

// Returns the host address of `size` bytes at `address`; null if the bytes are not in one region or not
// aligned. Both addresses must be aligned: the guest address because the specification requires alignment,
// the host address because the fields are accessed atomically.
inline std::byte* ring_area(const GuestMemory& memory, GuestPhys address, ByteCount size,
                            std::uint64_t alignment) noexcept {
  if (address.raw % alignment != 0) return nullptr;
  std::byte* const host = memory.translate(address, size);
  return reinterpret_cast<std::uintptr_t>(host) % alignment == 0 ? host : nullptr;
}

}  // namespace fallow::detail
