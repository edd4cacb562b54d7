// How the daemon serves its guests.
#pragma once

#include <cstdint>

#include "fallow/balloon/device/balloon_device.h"

namespace fallow::vhost {

struct BalloonGuestOptions {
  // Offered to the driver. VERSION_1 is always added; the session adds bit 30.
  Features features = kBalloonDaemonFeatures | kFeatureIndirectDesc | kFeatureEventIdx;
  std::uint16_t max_queue_size = 256;  // 1 to 1024
  ByteCount max_memory{};              // of all regions of a guest together; 0: unlimited
};

}  // namespace fallow::vhost
