// A balloon device and a driver that breaks the rules. In the rig, guest frame 0x100 is the backing's frame
// 0x4000, and its region ends before frame 0x500.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/balloon_rig.h"

namespace fallow::detail {

class HostileDevice : public ::testing::Test {
 protected:
  // Converts frames of the guest to frames of the backing.
  static RecordingBacking::Run target(std::uint64_t guest, std::uint64_t n) {
    return {{0x4000 + guest - 0x100}, {n}};
  }

  HostileDevice() {
    rig.bring_up(kFeatures);
    reporting = rig.number(BalloonQueue::Reporting);
  }

  // Expects that the device still works.
  void expect_alive() {
    rig.backing.forget();
    EXPECT_EQ(rig.report({pages(0x4ff)}), kFrameSize);
    EXPECT_EQ(rig.backing.discards, (std::vector{target(0x4ff, 1)}));
    EXPECT_EQ(rig.device().status() & kStatusNeedsReset, 0);
  }
  // Expects that the device requests a reset, and works as after its creation once it is reset.
  void expect_reset_helps(RingFault fault, Features features = kFeatures) {
    EXPECT_EQ(rig.device().mistakes().rings, 1u);
    EXPECT_EQ(rig.device().mistakes().last_ring_fault, fault)
        << describe(rig.device().mistakes().last_ring_fault);
    EXPECT_NE(rig.device().status() & kStatusNeedsReset, 0);
    EXPECT_EQ(rig.notifier.config, 1u);
    rig.bring_up(features);
    expect_alive();
  }

  static constexpr Features kFeatures = kBalloonMustTellHost | kBalloonStatsVq | kBalloonPagePoison |
                                        kBalloonPageReporting | kFeatureIndirectDesc;
  BalloonRig rig;
  std::uint16_t reporting = kNoQueue;
};

}  // namespace fallow::detail
