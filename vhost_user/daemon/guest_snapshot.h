// The figures of a guest, for the control socket and metrics.
#pragma once

#include <array>
#include <cstdint>

#include "fallow/balloon/device/balloon_device.h"

namespace fallow::vhost {

// How long host calls took: counts by upper bound, in the form that metrics need.
struct CallTimes {
  static constexpr std::array<double, 10> kBounds = {1e-5, 3e-5, 1e-4, 3e-4, 1e-3,
                                                     3e-3, 1e-2, 3e-2, 1e-1, 1};  // s
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  double sum = 0;
};

// The state of a guest at one moment.
struct GuestSnapshot {
  std::uint64_t number = 0;
  std::uint32_t socket = 0;
  bool connected = false, ready = false;  // ready: the driver is present and rings are served
  bool paused = false;
  bool stuck = false;  // its process does not answer; the other fields are the last known ones
  ByteCount memory, resident;
  PfnCount target, actual;
  std::uint32_t restarts = 0;
  std::uint32_t worker = 0;  // pid of the process that serves the guest; 0: unknown
  BalloonDeviceStats device;
  GuestStatistics statistics;
  DriverMistakes mistakes;
  CallTimes calls;
  Features features = 0;
};

}  // namespace fallow::vhost
