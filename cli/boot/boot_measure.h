// Measures how soon memory is returned to the host, from a virtual machine's resident memory over time.
#pragma once

#include <optional>
#include <span>

#include "cli/boot/boot_event.h"
#include "fallow/base/units.h"

namespace fallow::cli {

// Resident memory, with the last figures that the guest sent. Times count from QEMU's start.
struct BootSample {
  Nanoseconds time;
  ByteCount resident;
  boot::GuestFigures guest;
};

// Seconds count from `freeing`.
struct BootMeasure {
  double top_mib = 0;  // maximum resident memory from `filled` to `freeing`
  double low_mib = 0;  // minimum after `freeing`
  std::optional<double> t05_s, t50_s,
      t95_s;                // until resident memory fell by 5, 50, 95 % of top - low; nothing: no fall
  double excess_gib_s = 0;  // resident memory above low_mib, integrated over time
};

// `samples` are ordered by time; samples after `end` are ignored. `filled` is the end of filling, `freeing`
// the beginning of freeing. Returns nothing if a span between these times has no sample. O(n).
std::optional<BootMeasure> measure(std::span<const BootSample> samples, Nanoseconds filled,
                                   Nanoseconds freeing, Nanoseconds end);

}  // namespace fallow::cli
