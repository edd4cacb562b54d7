// How the reports of a replay reach the host.
#pragma once

#include <cstdint>

namespace fallow::replay {

enum class TransportKind : std::uint8_t { Direct, VirtioSplit, VirtioPacked };

struct BalloonOptions {
  TransportKind transport = TransportKind::Direct;
  // The members below apply only to the virtio transports.
  bool event_index = true;
  bool indirect = true;
  std::uint16_t queue_size = 256;  // 1 to kMaxQueueSize; a power of two for a split ring
  std::uint32_t in_flight = 1;     // maximum number of requests in flight, 1 to queue_size
  bool init_reported = false;      // the device states the content of reported frames (draft feature)

  bool virtio() const { return transport != TransportKind::Direct; }
};

// Traffic of the balloon since its setup; all zero for the direct transport.
struct BalloonCounts {
  std::uint64_t to_device = 0, to_driver = 0;  // notifications
  std::uint64_t descriptors = 0;
  std::uint64_t refused = 0;  // elements that the device refused
  std::uint64_t resets = 0;   // resets of the device by its driver
};

}  // namespace fallow::replay
