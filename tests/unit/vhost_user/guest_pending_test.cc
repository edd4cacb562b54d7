// Events between a call that returned Pending and its retry: statistics are requested, or the worker dies.
// Each chain is nevertheless returned exactly once (VH-3), and nothing is written into a ring that is gone
// (VH-4).
#include <algorithm>

#include "tests/support/stepped_guest.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint16_t kStats = VhostGuest::kStats, kReporting = VhostGuest::kReporting;

class GuestPending : public testing::TestWithParam<Features> {
 protected:
  GuestPending() {
    VhostGuestOptions driver;
    driver.features = (driver.features & ~kRingFeatures) | GetParam();
    box = std::make_unique<SteppedGuest>(
        driver, BalloonGuestOptions{.features = BalloonGuestOptions{}.features | kFeatureRingPacked});
  }
  VhostGuest& front() { return box->front; }
  // A driver whose statistics buffer the device keeps.
  bool bind() {
    const bool bound = box->serve([&] {
      if (!front().bind()) return false;
      front().give_statistics(4, 5);
      return true;
    });
    for (int i = 0; bound && i < 1000 && box->guest->snapshot().statistics.updates == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return bound && box->guest->snapshot().statistics.updates == 1;
  }
  void send_get_base(std::uint32_t queue) {
    ASSERT_TRUE(front().front.send(Request::GetVringBase, bytes_of(VringState{queue, 0})));
  }
  std::uint32_t base_of_reply() {
    const auto reply = front().reply(0);
    VringState state{~0U, ~0U};
    if (reply && reply->payload.size() == sizeof state)
      std::memcpy(&state, reply->payload.data(), sizeof state);
    return state.num;
  }
  std::uint32_t expected_base() { return front().packed ? 0x80018001U : 1U; }
  // The buffer was returned once, its driver was notified, and the driver can give it again.
  void expect_statistics_came_back_once() {
    ASSERT_TRUE(front().take(kStats, 0)) << "it came back, and the driver was told";
    EXPECT_FALSE(front().take(kStats, 0)) << "it came back twice";
    EXPECT_EQ(front().rings[kStats].driver->fault(), DeviceFault::None);
    ASSERT_TRUE(box->serve([&] { return front().start_ring(kStats, expected_base()); }));
    front().give_statistics(4, 6);
    for (int i = 0; i < 1000 && box->guest->snapshot().statistics.value[4] != 6; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(box->guest->snapshot().statistics.value[4], 6U);
  }

  std::unique_ptr<SteppedGuest> box;
};
INSTANTIATE_TEST_SUITE_P(All, GuestPending,
                         testing::Values(Features{0}, kFeatureEventIdx | kFeatureIndirectDesc,
                                         kFeatureRingPacked, kFeatureRingPacked | kFeatureEventIdx));

TEST_P(GuestPending, StatisticsThatAreRequestedWhileTheirRingStops) {
  ASSERT_TRUE(bind());
  send_get_base(kStats);
  ASSERT_EQ(box->step(), SessionOutcome::Pending) << "the driver has yet to be told";
  EXPECT_EQ(box->guest->request_statistics(), Status::Busy);
  ASSERT_EQ(box->finish(), SessionOutcome::Idle);
  EXPECT_EQ(base_of_reply(), expected_base());
  expect_statistics_came_back_once();
}

TEST_P(GuestPending, AWorkerThatDiesWhileTheStatisticsRingStops) {
  ASSERT_TRUE(bind());
  send_get_base(kStats);
  ASSERT_EQ(box->step(), SessionOutcome::Pending);
  for (int deaths = 0; deaths < 3; ++deaths) {
    box->die();
    ASSERT_EQ(box->take_over(), Status::Ok) << box->session->error_text().text();
    EXPECT_EQ(box->guest->request_statistics(), Status::Busy);
  }
  ASSERT_EQ(box->finish(), SessionOutcome::Idle);
  EXPECT_EQ(base_of_reply(), expected_base());
  expect_statistics_came_back_once();
}

TEST_P(GuestPending, BothOfThem) {
  ASSERT_TRUE(bind());
  send_get_base(kStats);
  ASSERT_EQ(box->step(), SessionOutcome::Pending);
  EXPECT_EQ(box->guest->request_statistics(), Status::Busy);
  ASSERT_EQ(box->take_over(), Status::Ok) << box->session->error_text().text();
  ASSERT_EQ(box->finish(), SessionOutcome::Idle);
  EXPECT_EQ(base_of_reply(), expected_base());
  expect_statistics_came_back_once();
}

// Chains that the driver makes available in between are not taken: the base is that of the first pass.
TEST_P(GuestPending, WhatIsMadeAvailableWhileARingStopsStays) {
  ASSERT_TRUE(bind());
  send_get_base(kStats);
  ASSERT_EQ(box->step(), SessionOutcome::Pending);
  const detail::QueueBuffer buffer{{VhostGuest::kBase + VhostGuest::kLists}, kStatSize, false};
  front().add(kStats, {&buffer, 1});
  front().kick(kStats);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_EQ(box->finish(), SessionOutcome::Idle);
  EXPECT_EQ(base_of_reply(), expected_base());
}

// The connection ends while the ring stops: no chain is returned twice, whichever comes first.
TEST_P(GuestPending, AHangUpWhileTheStatisticsRingStops) {
  ASSERT_TRUE(bind());
  send_get_base(kStats);
  ASSERT_EQ(box->step(), SessionOutcome::Pending);
  static_cast<void>(box->guest->request_statistics());
  while (box->session->close() == Status::Pending) {
    static_cast<void>(box->guest->request_statistics());
    box->wait();
  }
  ASSERT_TRUE(front().take(kStats, 0));
  EXPECT_FALSE(front().take(kStats, 0)) << "it came back twice";
  EXPECT_EQ(front().rings[kStats].driver->fault(), DeviceFault::None);
}

// Another driver begins while the device is discarding for a report of the previous driver. All rings of the
// previous driver are dropped at once, not only those before the ring that is at work.
TEST_P(GuestPending, NothingIsWrittenIntoAnyRingOfADriverThatIsGone) {
  constexpr std::uint64_t kLarge = 256ULL << 20;
  constexpr std::byte kTheirs{0x6b};
  VhostGuestOptions driver;
  driver.features = (driver.features & ~kRingFeatures) | GetParam();
  driver.memory = kLarge;
  unsigned met = 0;
  for (int i = 0; i < 20 && met < 3; ++i) {
    box = std::make_unique<SteppedGuest>(
        driver, BalloonGuestOptions{.features = BalloonGuestOptions{}.features | kFeatureRingPacked});
    ASSERT_TRUE(bind());
    ASSERT_EQ(posix_fallocate(front().file(), VhostGuest::kInFile, kLarge), 0);
    const detail::QueueBuffer most =
        VhostGuest::range(VhostGuest::kFree, static_cast<std::uint32_t>(kLarge - VhostGuest::kFree));
    front().add(kReporting, {&most, 1});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(front().front.send(Request::SetFeatures, bytes_of(front().accepted)));
    if (box->step() == SessionOutcome::Pending) {
      ++met;
      std::memset(front().memory(), static_cast<int>(kTheirs), VhostGuest::kLists);
      static_cast<void>(box->guest->request_statistics());
      ASSERT_EQ(box->finish(), SessionOutcome::Idle);
      EXPECT_EQ(std::count(front().memory(), front().memory() + VhostGuest::kLists, kTheirs),
                static_cast<std::ptrdiff_t>(VhostGuest::kLists));
    }
  }
  EXPECT_NE(met, 0U) << "no report was met in its discard";
}

}  // namespace
}  // namespace fallow::vhost
