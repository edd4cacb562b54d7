// The guarantee of a reply to a front-end: that nothing changed, or that an operation is complete.
#include <algorithm>

#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/stepped_guest.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint16_t kReporting = VhostGuest::kReporting;

template <class F>
bool eventually(F f) {
  for (int i = 0; i < 5000; ++i) {
    if (f()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// Refused features leave the driver and its rings unchanged.
TEST(RefusedFeatures, ChangeNothing) {
  SteppedGuest box;
  ASSERT_TRUE(box.serve([&] {
    return box.front.bind() && box.front.tell(VhostGuest::kInflate, {512, 513}) &&
           box.front.write_config(kBalloonActual, 2) == 0;
  }));
  for (const std::uint64_t features : {std::uint64_t{0}, box.front.accepted & ~kFeatureVersion1,
                                       box.front.accepted | std::uint64_t{1} << 60}) {
    EXPECT_EQ(box.serve([&] { return box.front.set_features(features); }), 1U) << features;
    const GuestSnapshot seen = box.guest->snapshot();
    EXPECT_TRUE(seen.ready) << features;
    EXPECT_EQ(seen.device.inflated.raw, 2U) << features;
    EXPECT_EQ(seen.actual.raw, 2U) << features;
  }
  ASSERT_EQ(box.said.size(), 3U);
  EXPECT_EQ(box.said[0], "SET_FEATURES: the features 0x100000000 are missing, and the device requires them");
  EXPECT_TRUE(box.serve([&] { return box.front.report(VhostGuest::kFree, kMib).has_value(); }));
}

// The same holds before there is a driver: the next features take effect as if the refused ones had not been
// sent.
TEST(RefusedFeatures, AreForgotten) {
  SteppedGuest box;
  ASSERT_TRUE(box.serve([&] { return box.front.negotiate(); }));
  EXPECT_EQ(box.serve([&] { return box.front.set_features(0); }), 1U);
  EXPECT_EQ(box.record.vhost.settings().features, box.front.accepted);
  EXPECT_EQ(box.guest->snapshot().features | kVhostFProtocolFeatures, box.front.accepted);
}

// SET_VRING_ENABLE 0 is answered after the chain that is being discarded has been returned; nothing is
// written into the ring afterwards.
TEST(DisabledRing, IsAnsweredWhenTheDiscardIsOver) {
  constexpr std::uint64_t kLarge = 256ULL << 20;
  unsigned met = 0;
  for (int i = 0; i < 20 && met < 3; ++i) {
    SteppedGuest box(VhostGuestOptions{.memory = kLarge});
    VhostGuest& front = box.front;
    ASSERT_TRUE(box.serve([&] { return front.bind(); }));
    ASSERT_EQ(posix_fallocate(front.file(), VhostGuest::kInFile, kLarge), 0);
    const detail::QueueBuffer most =
        VhostGuest::range(VhostGuest::kFree, static_cast<std::uint32_t>(kLarge - VhostGuest::kFree));
    for (std::uint64_t n = 0; n < 4; ++n) front.add(kReporting, {&most, 1}, n);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(
        front.front.send(Request::SetVringEnable, bytes_of(VringState{kReporting, 0}), {}, VhostGuest::kAck));
    const bool waits = box.step() == SessionOutcome::Pending;
    EXPECT_TRUE(!waits || !front.reply(0)) << "not before";
    ASSERT_EQ(box.finish(), SessionOutcome::Idle);
    ASSERT_TRUE(front.reply(0));
    met += waits;
    std::vector<std::byte> before(front.memory(), front.memory() + VhostGuest::kLists);
    front.kick(kReporting);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_TRUE(std::equal(before.begin(), before.end(), front.memory()));
  }
  EXPECT_NE(met, 0U) << "no report was met in its discard";
}

// A broken ring stays broken when memory is set anew: its driver must reset the device.
TEST(BrokenRing, IsNotMendedByMemory) {
  SteppedGuest box;
  VhostGuest& front = box.front;
  ASSERT_TRUE(box.serve([&] { return front.bind() && front.report(VhostGuest::kFree, kMib).has_value(); }));
  const detail::QueueAddresses at = front.rings[kReporting].driver->addresses();
  detail::AvailRing avail(front.memory() + (at.driver_area.raw - VhostGuest::kBase), at.size);
  avail.idx().store(1000);
  front.kick(kReporting);
  ASSERT_TRUE(eventually([&] { return (box.guest->status() & kStatusNeedsReset) != 0; }));
  avail.idx().store(1);  // undoes the jump of the index
  ASSERT_TRUE(box.serve([&] { return front.set_memory(); }));
  EXPECT_NE(box.guest->status() & kStatusNeedsReset, 0);
  const std::uint64_t served = box.guest->snapshot().device.reports;
  const detail::QueueBuffer range = VhostGuest::range(VhostGuest::kFree, kMib);
  front.add(kReporting, {&range, 1});
  front.kick(kReporting);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(box.guest->snapshot().device.reports, served);
  EXPECT_FALSE(front.take(kReporting, 0));
}

}  // namespace
}  // namespace fallow::vhost
