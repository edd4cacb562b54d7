// The feature bits of the balloon (virtio 1.2, 5.5.3): the one table from which the device, the driver, the
// daemon and its command line take their sets.
#pragma once

#include "fallow/virtio/features.h"

namespace fallow {

/// The feature bits of 5.5.3; kBalloonFeatures says what each one does.
/// @{
inline constexpr Features kBalloonMustTellHost = feature(0), kBalloonStatsVq = feature(1),
                          kBalloonDeflateOnOom = feature(2), kBalloonFreePageHint = feature(3),
                          kBalloonPagePoison = feature(4), kBalloonPageReporting = feature(5);
/// @}
/// Draft (virtio-spec issue 244): the used length of a report counts the bytes, from the first one on, that
/// now hold zero or the poison value.
inline constexpr Features kBalloonInitReported = feature(6);

/// One feature of the balloon, and the parts that enable the feature by default.
struct BalloonFeature {
  Features bit;      ///< a set of this one bit
  const char* name;  ///< in `fallow serve --features`
  const char* help;  ///< lines of at most 46 characters
  bool device;       ///< offered by a BalloonDevice by default
  bool driver;       ///< accepted by a BalloonDriver by default
  bool daemon;       ///< offered by `fallow serve` by default
};

/// All features, in the order of their bits. A new feature is added here and nowhere else.
inline constexpr BalloonFeature kBalloonFeatures[] = {
    {kBalloonMustTellHost, "must-tell-host", "the driver asks before it reuses pages", true, true, true},
    {kBalloonStatsVq, "stats", "memory statistics of the guest", true, true, true},
    {kBalloonDeflateOnOom, "deflate-on-oom", "the guest may deflate when memory is short", true, true, true},
    {kBalloonFreePageHint, "hinting", "free page hints for migration", true, true, false},
    {kBalloonPagePoison, "poison",
     "the value that the guest writes to free pages;\nunless it is 0, reports release nothing", true, false,
     false},
    {kBalloonPageReporting, "reporting", "the guest reports unused memory", true, true, true},
    {kBalloonInitReported, "init-reported", "the device tells which reports read as zero\n(draft)", false,
     false, false},
};

namespace detail {

// The features whose `column` is set.
constexpr Features balloon_features(bool BalloonFeature::*column) noexcept {
  Features features = 0;
  for (const BalloonFeature& feature : kBalloonFeatures) features |= feature.*column ? feature.bit : 0;
  return features;
}

constexpr Features all_balloon_features() noexcept {
  Features features = 0;
  for (const BalloonFeature& feature : kBalloonFeatures) features |= feature.bit;
  return features;
}

}  // namespace detail

/// Every feature of the balloon that Fallow knows, without the features of the rings.
inline constexpr Features kBalloonKnownFeatures = detail::all_balloon_features();
/// The defaults of the device, the driver and the daemon, without the features of the rings.
/// @{
inline constexpr Features kBalloonDeviceFeatures = detail::balloon_features(&BalloonFeature::device),
                          kBalloonDriverFeatures = detail::balloon_features(&BalloonFeature::driver),
                          kBalloonDaemonFeatures = detail::balloon_features(&BalloonFeature::daemon);
/// @}

}  // namespace fallow
