// Converts curves and frame counts to the figures of a replay result.
#pragma once

#include "fallow/base/units.h"
#include "replay/curve.h"
#include "replay/timeline.h"

namespace fallow::replay {

constexpr double in_mib(double frames) { return frames * static_cast<double>(kFrameSize) / (1 << 20); }
constexpr double in_gib(double frames) { return in_mib(frames) / 1024; }
constexpr double in_mib(PfnCount frames) { return in_mib(static_cast<double>(frames.raw)); }
constexpr double in_seconds(Nanoseconds time) { return static_cast<double>(time.raw) / 1e9; }

// Returns the mean since time 0, or the current value if no time has passed.
inline double mean(const Curve& curve) {
  if (curve.time().raw == 0) return static_cast<double>(curve.value());
  return curve.integral() / in_seconds(curve.time());
}

// Returns the integral of resident but unused frames, in frame seconds.
inline double excess(const Timeline& timeline) {
  return timeline.resident().integral() - timeline.used().integral();
}

}  // namespace fallow::replay
