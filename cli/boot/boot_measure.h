// How soon the host had its memory back: from the resident memory of a virtual machine over time.
#pragma once

#include <optional>
#include <span>

#include "cli/boot/boot_event.h"
#include "fallow/base/units.h"

namespace fallow::cli {

// The host's figure, with what the guest had said of itself last. Times are since QEMU's start.
struct BootSample {
  Nanoseconds time;
  ByteCount resident;
  boot::GuestFigures guest;
};

// Seconds are from `freeing`.
struct BootMeasure {
  double top_mib = 0;  // the most that was resident from `filled` to `freeing`
  double low_mib = 0;  // the least after `freeing`
  std::optional<double> t05_s, t50_s,
      t95_s;                // until 5, 50, 95 % of the way from top to low; nothing: no fall
  double excess_gib_s = 0;  // what was resident beyond low_mib, times how long
};

// `samples` in the order of their times; what counts are those until `end`. `filled` is the end of the
// filling, `freeing` the begin of the freeing. Nothing: there is no sample in one of the two spans. O(n).
std::optional<BootMeasure> measure(std::span<const BootSample> samples, Nanoseconds filled,
                                   Nanoseconds freeing, Nanoseconds end);

}  // namespace fallow::cli
