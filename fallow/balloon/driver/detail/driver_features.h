// Which features a balloon driver accepts.
#pragma once

#include "fallow/balloon/wire.h"
#include "fallow/virtio/features.h"

namespace fallow::detail {

// Of what is offered, what is wanted and known here; VERSION_1 always. `poisons`: free frames must keep a
// value.
constexpr Features choose_features(Features offered, Features wanted, bool poisons) noexcept {
  constexpr Features kKnown = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom |
                              kBalloonFreePageHint | kBalloonPageReporting | kBalloonInitReported |
                              kRingFeatures;
  Features chosen = wanted & kKnown & offered;
  // 5.5.3.1: page poison is for those who poison; and they report only with it.
  if (poisons) {
    chosen |= offered & kBalloonPagePoison;
    if ((offered & kBalloonPagePoison) == 0) chosen &= ~kBalloonPageReporting;
  }
  if ((chosen & kBalloonPageReporting) == 0) chosen &= ~kBalloonInitReported;
  return chosen | kFeatureVersion1;
}

}  // namespace fallow::detail
