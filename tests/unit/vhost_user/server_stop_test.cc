// A monitor pauses and resumes its guest, which looks to a back-end like a new driver: the balloon keeps its
// state (VH-5).
#include "tests/support/vhost_server.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint64_t kFree = VhostGuest::kFree;

class ServerStopAndGoOn : public VhostServerRig, public testing::WithParamInterface<Features> {
 protected:
  ServerStopAndGoOn() : VhostServerRig({.features = BalloonGuestOptions{}.features | kFeatureRingPacked}) {
    options.features = (options.features & ~kRingFeatures) | GetParam();
  }
  // Three frames are in the balloon.
  static bool bind(VhostGuest& guest) {
    return guest.bind() && guest.tell(VhostGuest::kInflate, {512, 513, 600}) &&
           guest.write_config(kBalloonActual, 3) == 0 && guest.report(kFree, kMib).has_value();
  }
  void expect_in_balloon(std::uint64_t frames) {
    const GuestSnapshot seen = box.guest();
    EXPECT_EQ(seen.actual.raw, frames);
    EXPECT_EQ(seen.device.inflated.raw, frames);
  }
  VhostGuestOptions options;
};
INSTANTIATE_TEST_SUITE_P(All, ServerStopAndGoOn,
                         testing::Values(Features{0}, kFeatureEventIdx | kFeatureIndirectDesc,
                                         kFeatureRingPacked,
                                         kFeatureRingPacked | kFeatureEventIdx | kFeatureIndirectDesc));

TEST_P(ServerStopAndGoOn, TheBalloonIsAsItWas) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  for (int i = 0; i < 20; ++i) {
    const auto bases = guest.stop_rings();
    expect_in_balloon(3);
    ASSERT_EQ(guest.set_features(guest.accepted), 0U);
    ASSERT_TRUE(guest.set_memory() && guest.continue_rings(bases)) << box.events.all();
    expect_in_balloon(3);
    ASSERT_TRUE(guest.report(kFree, kMib));
  }
  EXPECT_EQ(guest.config(kBalloonActual), 3U);
  ASSERT_TRUE(guest.tell(VhostGuest::kInflate, {513}));
  EXPECT_EQ(box.guest().device.inflated_twice, 1U) << "which frames they were is known too";
  ASSERT_TRUE(guest.tell(VhostGuest::kDeflate, {512, 513}));
  EXPECT_EQ(box.guest().device.inflated.raw, 1U);
  EXPECT_EQ(box.events.count("refused"), 0U) << box.events.all();
}

TEST_P(ServerStopAndGoOn, WithTheStatusSaidToo) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  const auto status = [&](std::uint64_t value) { return guest.ack(Request::SetStatus, bytes_of(value)); };
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(status(15), 0U);
    const auto bases = guest.stop_rings();
    ASSERT_EQ(status(0), 0U);
    ASSERT_EQ(status(3), 0U);
    ASSERT_EQ(guest.set_features(guest.accepted), 0U);
    ASSERT_TRUE(guest.set_memory() && guest.continue_rings(bases));
    expect_in_balloon(3);
  }
}

TEST_P(ServerStopAndGoOn, WithoutFeatures) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  const auto bases = guest.stop_rings();
  ASSERT_TRUE(guest.continue_rings(bases));
  expect_in_balloon(3);
  ASSERT_TRUE(guest.report(kFree, kMib));
}

TEST_P(ServerStopAndGoOn, OtherBasesAreAnotherDriver) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  static_cast<void>(guest.stop_rings());
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  ASSERT_TRUE(guest.set_memory() && guest.start_rings()) << "at the same addresses, from the beginning";
  expect_in_balloon(0);
  ASSERT_TRUE(guest.report(kFree, kMib));
  ASSERT_TRUE(guest.tell(VhostGuest::kInflate, {513}));
  EXPECT_EQ(box.guest().device.inflated_twice, 0U);
}

// Queues that the previous driver never used look the same.
TEST_P(ServerStopAndGoOn, AnotherDriverIsKnownByTheFirstRingThatDiffers) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  static_cast<void>(guest.stop_rings());
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  guest.make_ring(VhostGuest::kDeflate);
  ASSERT_TRUE(guest.start_ring(VhostGuest::kDeflate, guest.fresh_base()));
  expect_in_balloon(3);
  guest.make_ring(VhostGuest::kInflate);
  ASSERT_TRUE(guest.start_ring(VhostGuest::kInflate, guest.fresh_base()));
  expect_in_balloon(0);
  ASSERT_TRUE(guest.tell(VhostGuest::kInflate, {700}));
  ASSERT_TRUE(guest.tell(VhostGuest::kDeflate, {700})) << "the ring that started before is served";
}

TEST_P(ServerStopAndGoOn, OtherAddressesAreAnotherDriver) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  static_cast<void>(guest.stop_rings());
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  guest.rings_at = 24 * kMib;
  ASSERT_TRUE(guest.start_rings());
  expect_in_balloon(0);
}

TEST_P(ServerStopAndGoOn, OtherFeaturesAreAnotherDriver) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  const auto bases = guest.stop_rings();
  ASSERT_EQ(guest.set_features(guest.accepted & ~kBalloonDeflateOnOom), 0U);
  expect_in_balloon(0);
  ASSERT_TRUE(guest.continue_rings(bases));
  ASSERT_TRUE(guest.report(kFree, kMib));
}

TEST_P(ServerStopAndGoOn, AResetInBetweenIsAnotherDriver) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  static_cast<void>(guest.stop_rings());
  ASSERT_EQ(guest.ack(Request::ResetDevice), 0U);
  expect_in_balloon(0);
}

// The information from the driver itself outlives a worker; a new process cannot know which frames are in the
// balloon.
TEST_P(ServerStopAndGoOn, WhileAWorkerDies) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  const auto bases = guest.stop_rings();
  box.die();
  box.start();
  ASSERT_TRUE(box.events.wait_for("resumed"));
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  ASSERT_TRUE(guest.set_memory() && guest.continue_rings(bases));
  EXPECT_EQ(box.guest().actual.raw, 3U);
  ASSERT_TRUE(guest.report(kFree, kMib));
}

// A single queue of a driver that stays is reset (virtio 1.2, 2.6.1).
TEST_P(ServerStopAndGoOn, ARingThatBeginsAnewAmongOthersThatRun) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  static_cast<void>(guest.stop_ring(VhostGuest::kReporting));
  guest.make_ring(VhostGuest::kReporting);
  ASSERT_TRUE(guest.start_ring(VhostGuest::kReporting, guest.fresh_base()));
  expect_in_balloon(3);
  ASSERT_TRUE(guest.report(kFree, kMib));
}

}  // namespace
}  // namespace fallow::vhost
