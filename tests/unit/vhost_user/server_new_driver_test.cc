// A driver leaves and another one begins: the memory of the old rings belongs to the guest again, and no byte
// of it is written (VH-4). Front-ends differ in the messages that they send, and when.
#include <algorithm>

#include "tests/support/vhost_server.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint64_t kFree = VhostGuest::kFree;
constexpr std::uint16_t kReporting = VhostGuest::kReporting, kStats = VhostGuest::kStats;

class ServerRingBase : public VhostServerRig {};

class ServerNewDriver : public VhostServerRig, public testing::WithParamInterface<Features> {
 protected:
  static constexpr std::byte kTheirs{0x6b};
  static constexpr std::uint64_t kRings = VhostGuest::kLists;  // bytes that hold rings, from the base on

  ServerNewDriver() : VhostServerRig({.features = BalloonGuestOptions{}.features | kFeatureRingPacked}) {
    options.features = (options.features & ~kRingFeatures) | GetParam();
  }
  // A working driver whose statistics buffer the device keeps.
  bool bind(VhostGuest& guest) {
    if (!guest.bind() || !guest.report(kFree, kMib, 4)) return false;
    guest.give_statistics(4, 5);
    return eventually([&] { return box.guest().statistics.updates == 1; }) && eventually(others_sleep);
  }
  // Like bind(), by a front-end that declined a feature: without bit 30, and without SET_VRING_ENABLE.
  bool bind_without_enable(VhostGuest& guest) {
    if (!guest.negotiate() || !guest.give_channel()) return false;
    guest.accepted &= ~kVhostFProtocolFeatures;
    if (guest.set_features(guest.accepted) != 0 || !guest.set_memory() || !start_without_enable(guest))
      return false;
    if (!guest.report(kFree, kMib, 4)) return false;
    guest.give_statistics(4, 5);
    return eventually([&] { return box.guest().statistics.updates == 1; }) && eventually(others_sleep);
  }
  static bool start_without_enable(VhostGuest& guest) {
    for (std::uint16_t queue = 0; queue < VhostGuest::kQueues; ++queue) {
      guest.make_ring(queue);
      if (!guest.describe_ring(queue, guest.fresh_base()) ||
          guest.ack(Request::SetVringKick, bytes_of(std::uint64_t{queue}), {dup(guest.rings[queue].kick)}) !=
              0)
        return false;
    }
    return true;
  }
  // The guest reuses the memory of its rings.
  static void free_rings(VhostGuest& guest) {
    std::memset(guest.memory() + guest.rings_at, static_cast<int>(kTheirs), kRings);
    freed_at = guest.rings_at;
  }
  static std::uint64_t changed_bytes(VhostGuest& guest) {
    const std::byte* const from = guest.memory() + freed_at;
    return kRings - static_cast<std::uint64_t>(std::count(from, from + kRings, kTheirs));
  }
  // The next driver puts its rings elsewhere, and is served.
  void expect_next_driver(VhostGuest& guest, bool enable = true) {
    EXPECT_EQ(changed_bytes(guest), 0U);
    guest.rings_at = 24 * kMib;
    ASSERT_TRUE(guest.set_memory() && (enable ? guest.start_rings() : start_without_enable(guest)))
        << box.events.all();
    EXPECT_EQ(changed_bytes(guest), 0U);
    ASSERT_TRUE(guest.report(kFree, kMib, 4)) << box.events.all();
    guest.give_statistics(4, 6);
    EXPECT_TRUE(eventually([&] { return box.guest().statistics.value[4] == 6; }));
    EXPECT_EQ(changed_bytes(guest), 0U);
    EXPECT_EQ(guest.rings[kReporting].driver->fault(), DeviceFault::None);
    EXPECT_EQ(box.events.count("queue 3: "), 0U) << box.events.all();
  }

  VhostGuestOptions options;
  static inline std::uint64_t freed_at = 0;
};
INSTANTIATE_TEST_SUITE_P(All, ServerNewDriver,
                         testing::Values(Features{0}, kFeatureEventIdx | kFeatureIndirectDesc,
                                         kFeatureRingPacked, kFeatureRingPacked | kFeatureEventIdx));

// User Mode Linux, when its driver declined a feature: this message is the only sign that the driver
// unloaded.
TEST_P(ServerNewDriver, FeaturesWhileRingsRun) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind_without_enable(guest));
  ASSERT_TRUE(guest.ask(Request::GetFeatures));
  free_rings(guest);
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  ASSERT_TRUE(guest.set_memory());
  EXPECT_EQ(changed_bytes(guest), 0U);
  EXPECT_EQ(box.guest().device.inflated.raw, 0U);
  expect_next_driver(guest, false);
}

TEST_P(ServerNewDriver, OtherFeaturesWhileRingsRun) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  free_rings(guest);
  guest.accepted &= ~kBalloonDeflateOnOom;
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  expect_next_driver(guest);
}

// Between the last message of one driver and the first message of the next.
TEST_P(ServerNewDriver, StatisticsAreNotRequestedOfADriverThatMayBeGone) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind_without_enable(guest));
  ASSERT_TRUE(guest.ask(Request::GetFeatures));
  free_rings(guest);
  EXPECT_EQ(box.ask([](Server& s) { return s.request_statistics(1); }), Status::Busy);
  EXPECT_EQ(changed_bytes(guest), 0U);
  box.die();
  box.start();
  ASSERT_TRUE(box.events.wait_for("resumed"));
  EXPECT_EQ(box.ask([](Server& s) { return s.request_statistics(1); }), Status::Busy);
  EXPECT_EQ(changed_bytes(guest), 0U) << "nor by the next worker";
  box.stop();
  EXPECT_EQ(changed_bytes(guest), 0U) << "nor at the end";
}

TEST_P(ServerNewDriver, ADriverThatIsThereAfterAllIsAsked) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind_without_enable(guest));
  ASSERT_TRUE(guest.ask(Request::GetFeatures));
  ASSERT_TRUE(guest.report(kFree, kMib));
  EXPECT_EQ(box.ask([](Server& s) { return s.request_statistics(1); }), Status::Ok);
  EXPECT_TRUE(guest.take(kStats));
}

TEST_P(ServerNewDriver, DisabledRingsAreNotWritten) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  for (std::uint16_t queue = 0; queue < 4; ++queue) ASSERT_EQ(guest.enable(queue, false), 0U);
  free_rings(guest);
  EXPECT_EQ(box.ask([](Server& s) { return s.request_statistics(1); }), Status::Busy);
  for (std::uint16_t queue = 0; queue < 4; ++queue) guest.kick(queue);
  ASSERT_TRUE(guest.set_memory());
  EXPECT_EQ(changed_bytes(guest), 0U);
  box.die();
  box.start();
  ASSERT_TRUE(box.events.wait_for("resumed"));
  EXPECT_EQ(changed_bytes(guest), 0U) << "by the next worker";
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  expect_next_driver(guest);
}

TEST_P(ServerNewDriver, TheEndDoesNotWriteDisabledRings) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  for (std::uint16_t queue = 0; queue < 4; ++queue) ASSERT_EQ(guest.enable(queue, false), 0U);
  free_rings(guest);
  box.stop();
  EXPECT_EQ(changed_bytes(guest), 0U);
}

TEST_P(ServerNewDriver, EachSettingThatComesAnewDropsTheRing) {
  const auto anew = [&](VhostGuest& guest, unsigned what) {
    for (std::uint32_t queue = 0; queue < 4; ++queue) {
      VringAddr other = guest.addresses(static_cast<std::uint16_t>(queue));
      for (auto* const at : {&other.descriptors, &other.available, &other.used}) *at += 24 * kMib;
      const std::uint64_t ack =
          what == 0   ? guest.ack(Request::SetVringNum, bytes_of(VringState{queue, 32}))
          : what == 1 ? guest.ack(Request::SetVringBase, bytes_of(VringState{queue, guest.fresh_base()}))
                      : guest.ack(Request::SetVringAddr, bytes_of(other));
      ASSERT_EQ(ack, 0U) << what;
    }
  };
  for (const unsigned what : {0U, 1U, 2U}) {
    VhostGuest guest(box.path, options);
    ASSERT_TRUE(bind(guest));
    free_rings(guest);
    anew(guest, what);
    EXPECT_EQ(changed_bytes(guest), 0U) << what;
    expect_next_driver(guest);
    guest.front.hang_up();
    ASSERT_TRUE(box.wait_for_guests(0));
  }
}

TEST_P(ServerNewDriver, AResetDropsTheRings) {
  for (const bool by_status : {false, true}) {
    VhostGuest guest(box.path, options);
    ASSERT_TRUE(bind(guest));
    free_rings(guest);
    ASSERT_EQ(by_status ? guest.ack(Request::SetStatus, bytes_of(std::uint64_t{0}))
                        : guest.ack(Request::ResetDevice),
              0U);
    expect_next_driver(guest);
    guest.front.hang_up();
    ASSERT_TRUE(box.wait_for_guests(0));
  }
}

// Rings of a driver that is gone do not start again by themselves.
TEST_P(ServerNewDriver, DroppedRingsHaveToBeSetUpFromTheBeginning) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  free_rings(guest);
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  for (std::uint16_t queue = 0; queue < 4; ++queue) {
    EXPECT_EQ(guest.enable(queue, true), 0U);
    EXPECT_EQ(guest.ack(Request::SetVringKick, bytes_of(std::uint64_t{queue}), {VhostFrontEnd::event()}), 0U);
    EXPECT_EQ(guest.enable(queue, true), 0U);
  }
  EXPECT_FALSE(box.guest().ready);
  expect_next_driver(guest);
}

// A request that is under way when the next driver begins is not returned to the previous driver.
TEST_P(ServerNewDriver, InTheMiddleOfAReport) {
  constexpr std::uint64_t kLarge = 256ULL << 20;
  options.memory = kLarge;
  for (int i = 0; i < 5; ++i) {
    VhostGuest guest(box.path, options);
    ASSERT_TRUE(bind(guest));
    ASSERT_EQ(posix_fallocate(guest.file(), VhostGuest::kInFile, kLarge), 0);
    const detail::QueueBuffer most =
        VhostGuest::range(32 * kMib, static_cast<std::uint32_t>(kLarge - 32 * kMib));
    for (std::uint64_t n = 0; n < 8; ++n) guest.add(kReporting, {&most, 1}, n);
    ASSERT_EQ(guest.set_features(guest.accepted), 0U);
    free_rings(guest);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    expect_next_driver(guest);
    guest.front.hang_up();
    ASSERT_TRUE(box.wait_for_guests(0));
  }
}

// A monitor disables the rings of a device before it stops them: owed chains are then returned.
TEST_P(ServerNewDriver, GetBaseReturnsWhatIsOwed) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  static_cast<void>(guest.stop_rings());
  EXPECT_TRUE(guest.take(kStats)) << "kept for the next request";
}

// A chain that a disabled ring owes to its driver is kept for the next request.
TEST_P(ServerNewDriver, WhatAWorkerOwedToADisabledRingWaits) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  ASSERT_EQ(guest.enable(kStats, false), 0U);
  box.die();
  box.start();
  ASSERT_TRUE(box.events.wait_for("resumed"));
  EXPECT_FALSE(guest.take(kStats, 20));
  EXPECT_EQ(box.ask([](Server& s) { return s.request_statistics(1); }), Status::Busy);
  ASSERT_EQ(guest.enable(kStats, true), 0U);
  EXPECT_EQ(box.ask([](Server& s) { return s.request_statistics(1); }), Status::Ok);
  ASSERT_TRUE(guest.take(kStats));
  EXPECT_FALSE(guest.take(kStats, 0)) << "once";
}

// Memory is removed and added: a kept chain stays kept, and is returned at the next request.
TEST_P(ServerNewDriver, WhatIsKeptOutlivesAChangeOfMemory) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(bind(guest));
  ASSERT_TRUE(guest.set_memory());
  EXPECT_FALSE(guest.take(kStats, 20));
  guest.give_statistics(4, 5);
  ASSERT_TRUE(guest.take(kStats)) << "a second one is returned at once";
  EXPECT_FALSE(guest.take(kStats, 20));
  EXPECT_EQ(box.ask([](Server& s) { return s.request_statistics(1); }), Status::Ok);
  ASSERT_TRUE(guest.take(kStats));
  EXPECT_EQ(box.ask([](Server& s) { return s.request_statistics(1); }), Status::Busy);
}

// ---- Where a ring begins. ----

// The device would take chains again that the driver has already got back.
TEST_F(ServerRingBase, BehindWhatCameBackIsRefused) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(guest.report(kFree, kMib));
  ASSERT_EQ(guest.stop_ring(kReporting), 5U);
  for (const std::uint32_t base : {0U, 4U, 5U + 65U, 0x8000U, 0xffffU}) {
    EXPECT_FALSE(guest.start_ring(kReporting, base)) << base;
    EXPECT_TRUE(box.events.wait_for("its base " + std::to_string(base) +
                                    " is not within 0 to 64 entries (its size) after its used index 5"))
        << box.events.all();
  }
  ASSERT_TRUE(guest.start_ring(kReporting, 5));
  EXPECT_TRUE(guest.report(kFree, kMib));
}

}  // namespace
}  // namespace fallow::vhost
