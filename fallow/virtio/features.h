// Feature bits (virtio 1.2, 2.2 and 6) and the device status field (2.1).
#pragma once

#include <cstdint>

namespace fallow {

/// A set of 64 feature bits.
using Features = std::uint64_t;
/// The set of one feature; `bit` is 0 to 63.
constexpr Features feature(unsigned bit) noexcept { return Features{1} << bit; }

/// The reserved feature bits that Fallow supports (6).
/// @{
inline constexpr Features kFeatureIndirectDesc = feature(28), kFeatureEventIdx = feature(29),
                          kFeatureVersion1 = feature(32), kFeatureRingPacked = feature(34),
                          kFeatureRingReset = feature(40);
/// @}
/// The optional features of rings; every one of them is supported by both ends.
inline constexpr Features kRingFeatures =
    kFeatureIndirectDesc | kFeatureEventIdx | kFeatureRingPacked | kFeatureRingReset;

/// 2.1: bits of the device status field. Writing 0 resets the device.
/// @{
inline constexpr std::uint8_t kStatusAcknowledge = 1, kStatusDriver = 2, kStatusDriverOk = 4,
                              kStatusFeaturesOk = 8, kStatusNeedsReset = 64, kStatusFailed = 128;
/// @}

}  // namespace fallow
