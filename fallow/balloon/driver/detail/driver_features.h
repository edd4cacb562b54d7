// The choice of features that a balloon driver accepts.
#pragma once

#include "fallow/balloon/wire.h"
#include "fallow/virtio/features.h"

namespace fallow::detail {

// Returns the features that are offered, wanted and known, and VERSION_1 in any case. `poisons`: free frames
// of this guest must keep a value.
constexpr Features choose_features(Features offered, Features wanted, bool poisons) noexcept {
  constexpr Features kKnown = kBalloonKnownFeatures | kRingFeatures;
  Features chosen = wanted & kKnown & ~kBalloonPagePoison & offered;
  // 5.5.3.1: only a guest that poisons its pages accepts page poison, and reports pages only with it.
  if (poisons) {
    chosen |= offered & kBalloonPagePoison;
    if ((offered & kBalloonPagePoison) == 0) chosen &= ~kBalloonPageReporting;
  }
  if ((chosen & kBalloonPageReporting) == 0) chosen &= ~kBalloonInitReported;
  return chosen | kFeatureVersion1;
}

}  // namespace fallow::detail
