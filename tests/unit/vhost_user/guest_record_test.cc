// A process that dies may have left anything in its guest's record: the next one refuses what cannot be, and
// says why.
#include <random>

#include "tests/support/stepped_guest.h"

namespace fallow {
namespace {

constexpr std::uint16_t kStats = VhostGuest::kStats;
using Step = RingProgress::Step;

class GuestRecords : public testing::TestWithParam<Features> {
 protected:
  GuestRecords() { begin(); }
  void begin() {
    VhostGuestOptions driver;
    driver.features = (driver.features & ~kRingFeatures) | GetParam();
    box = std::make_unique<SteppedGuest>(
        driver, BalloonGuestOptions{.features = BalloonGuestOptions{}.features | kFeatureRingPacked});
    ASSERT_TRUE(box->serve([&] { return box->front.bind(); }));
  }
  bool packed() const { return (GetParam() & kFeatureRingPacked) != 0; }
  // What the next process says of a record whose statistics ring is at that.
  std::string said_of(RingProgress progress, std::uint32_t kept) {
    box->die();
    box->record.rings[kStats].set_progress(progress);
    box->record.rings[kStats].kept = kept;
    if (box->take_over() == Status::Ok) return "nothing";
    return box->session->complaint().text();
  }

  std::unique_ptr<SteppedGuest> box;
};
INSTANTIATE_TEST_SUITE_P(All, GuestRecords, testing::Values(Features{0}, kFeatureRingPacked));

TEST_P(GuestRecords, AChainWhereNoneWasTaken) {
  const QueuePosition fresh = QueuePosition::fresh(packed());
  EXPECT_EQ(
      said_of({fresh, 1, 1, Step::Serving}, 0),
      std::string("going on where a process left off: queue 2 cannot go on: its record names chains of 1 ") +
          (packed() ? "descriptors" : "entries") + ", where 0 were taken and not returned");
}

TEST_P(GuestRecords, AKeptChainWhereNoneWasTaken) {
  const QueuePosition fresh = QueuePosition::fresh(packed());
  EXPECT_NE(said_of({fresh, 0, 0, Step::Idle}, 1U << 31 | 1U << 16 | 1).find("queue 2 cannot go on"),
            std::string::npos);
}

TEST_P(GuestRecords, AChainOfNoDescriptorsOrThatThereIsNot) {
  QueuePosition one = QueuePosition::fresh(packed());
  ++one.next_avail;
  const RingProgress progress =
      packed() ? RingProgress{one, 1, 0, Step::Serving} : RingProgress{one, 0x4000, 1, Step::Serving};
  EXPECT_NE(said_of(progress, 0).find("queue 2 cannot go on: its record names chain"), std::string::npos);
}

TEST_P(GuestRecords, PositionsThatThereAreNot) {
  if (!packed()) GTEST_SKIP() << "a split ring can be anywhere";
  EXPECT_NE(said_of({{0x8000 | 64, 0x8000}, 0, 0, Step::Idle}, 0).find("queue 2 cannot go on"),
            std::string::npos);
  begin();
  EXPECT_NE(said_of({{0x8000, 0x8001}, 0, 0, Step::Idle}, 0).find("queue 2 cannot go on"), std::string::npos);
}

}  // namespace
}  // namespace fallow
