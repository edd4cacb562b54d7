// How a replay's reports get to the host.
#pragma once

#include <cstdint>

namespace fallow::replay {

enum class TransportKind : std::uint8_t { Direct, VirtioSplit, VirtioPacked };

struct WireOptions {
  TransportKind transport = TransportKind::Direct;
  // All below: with a virtio transport only.
  bool event_index = true;
  bool indirect = true;
  std::uint16_t queue_size = 256;  // 1 to kMaxQueueSize; a power of two for a split ring
  std::uint32_t in_flight = 1;     // requests at most; at most queue_size
  bool init_reported = false;      // the device states what reported frames hold (draft feature)

  bool virtio() const { return transport != TransportKind::Direct; }
};

// What went over the wire; nothing for the direct transport. Counts since the wire was set up.
struct WireCounts {
  std::uint64_t to_device = 0, to_driver = 0;  // notifications
  std::uint64_t descriptors = 0;
  std::uint64_t refused = 0;  // elements that the device did not act upon
  std::uint64_t resets = 0;   // of the device, by its driver
};

}  // namespace fallow::replay
