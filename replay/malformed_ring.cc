#include "replay/malformed_ring.h"

#include "fallow/base/check.h"
#include "fallow/virtio/ring/detail/packed_layout.h"
#include "fallow/virtio/ring/detail/split_layout.h"

namespace fallow::replay {

// Builds a queue of one descriptor. Split: the available ring names a descriptor that does not exist (2.7.6).
// Packed: the descriptor is an empty indirect table (2.8.7).
detail::QueueAddresses write_malformed_ring(std::span<std::byte> memory, GuestPhys address,
                                            bool packed) noexcept {
  constexpr std::size_t kDriverArea = 1024, kDeviceArea = 2048;
  FALLOW_CHECK(memory.size() >= kMalformedRingSize.raw);
  if (packed) {
    auto& descriptor = *reinterpret_cast<detail::PvirtqDesc*>(memory.data());
    descriptor.len.store(0);
    descriptor.flags.store(detail::kPackedAvail | detail::kDescIndirect);
  } else {
    const detail::AvailRing available(memory.data() + kDriverArea, 1);
    available.ring(0).store(0xffff);
    available.idx().store(1);
  }
  return {1, address, address + ByteCount{kDriverArea}, address + ByteCount{kDeviceArea}};
}

}  // namespace fallow::replay
