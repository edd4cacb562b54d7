// The in-flight area is trusted only for the ring for which it was written.
#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/stepped_guest.h"
#include "vhost_user/daemon/inflight_area.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint16_t kStats = VhostGuest::kStats, kReporting = VhostGuest::kReporting;
constexpr std::uint16_t kSize = 16;

class GuestInflight : public testing::Test {
 protected:
  ~GuestInflight() override {
    if (area_ >= 0) close(area_);
  }
  VhostGuest& front() { return box.front; }
  bool set_inflight(std::uint32_t size) {
    return front().ack(Request::SetInflightFd, bytes_of(InflightDescription{size, 0, 4, kSize}),
                       {dup(area_)}) == 0;
  }
  // A driver whose statistics buffer the device keeps, as the area also records.
  bool bind() {
    area_ = VhostFrontEnd::memory();
    const std::uint32_t size = 4096;
    FALLOW_CHECK(ftruncate(area_, size) == 0);
    const bool bound = box.serve([&] {
      if (!front().negotiate() || !front().give_channel() || !set_inflight(size) || !front().set_memory() ||
          !front().start_rings())
        return false;
      front().give_statistics(4, 5);
      return true;
    });
    return bound && eventually([&] { return updates() == 1; });
  }
  template <class F>
  static bool eventually(F f) {
    for (int i = 0; i < 5000; ++i) {
      if (f()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  std::uint64_t updates() { return box.guest->snapshot().statistics.updates; }
  // The reporting ring's available index jumps, which stops the device.
  void break_ring() {
    const detail::QueueAddresses at = front().rings[kReporting].driver->addresses();
    detail::AvailRing(front().memory() + (at.driver_area.raw - VhostGuest::kBase), at.size).idx().store(100);
    front().kick(kReporting);
    ASSERT_TRUE(eventually([&] { return (box.guest->status() & kStatusNeedsReset) != 0; }));
  }
  std::vector<std::uint32_t> stop_rings() {
    return box.serve([&] { return front().stop_rings(); });
  }
  // The rings are set up afresh, with a statistics buffer available before they start. The device takes that
  // buffer, and returns no buffer that the driver has not given.
  void expect_served_afresh() {
    const std::uint64_t before = updates();
    ASSERT_TRUE(box.serve([&] {
      for (std::uint16_t queue = 0; queue < VhostGuest::kQueues; ++queue) {
        front().make_ring(queue);
        if (queue == kStats) front().give_statistics(4, 7);
        if (!front().start_ring(queue, 0)) return false;
      }
      return true;
    })) << (box.said.empty() ? "" : box.said.back());
    EXPECT_TRUE(eventually([&] { return updates() == before + 1; })) << "it was not taken";
    EXPECT_FALSE(front().take(kStats, 10)) << "a used entry that was never made available";
    EXPECT_EQ(box.serve([&] { return front().stop_ring(kStats); }), 1U);
    EXPECT_TRUE(front().take(kStats, 0));
    EXPECT_FALSE(front().take(kStats, 0));
  }

  SteppedGuest box{VhostGuestOptions{.queue_size = kSize}};

 private:
  int area_ = -1;
};

TEST_F(GuestInflight, IsClearedByAResetAfterAFault) {
  ASSERT_TRUE(bind());
  break_ring();
  static_cast<void>(stop_rings());
  ASSERT_EQ(box.serve([&] { return front().ack(Request::ResetDevice); }), 0U);
  expect_served_afresh();
}

TEST_F(GuestInflight, IsClearedByAStatusOfZeroAfterAFault) {
  ASSERT_TRUE(bind());
  break_ring();
  static_cast<void>(stop_rings());
  ASSERT_EQ(box.serve([&] { return front().ack(Request::SetStatus, bytes_of(std::uint64_t{0})); }), 0U);
  expect_served_afresh();
}

TEST_F(GuestInflight, IsClearedByFeaturesAfterAFault) {
  ASSERT_TRUE(bind());
  break_ring();
  static_cast<void>(stop_rings());
  ASSERT_EQ(box.serve([&] { return front().set_features(front().accepted); }), 0U);
  expect_served_afresh();
}

// The same without any message.
TEST_F(GuestInflight, IsClearedByADriverThatBeginsAfterAFault) {
  ASSERT_TRUE(bind());
  break_ring();
  static_cast<void>(stop_rings());
  expect_served_afresh();
}

TEST_F(GuestInflight, IsClearedWhereAWorkerDiedAfterTheFault) {
  ASSERT_TRUE(bind());
  break_ring();
  static_cast<void>(stop_rings());
  ASSERT_EQ(box.take_over(), Status::Ok);
  expect_served_afresh();
}

// A monitor pauses and resumes its guest: the driver and its ring are the same.
TEST_F(GuestInflight, NothingIsOwedOfARingThatStopped) {
  ASSERT_TRUE(bind());
  const auto bases = stop_rings();
  ASSERT_TRUE(front().take(kStats, 0));
  ASSERT_TRUE(box.serve([&] { return front().continue_rings(bases); }));
  EXPECT_FALSE(front().take(kStats, 10));
}

// ---- The area itself. ----

class InflightAreas : public testing::Test {
 protected:
  static constexpr std::uint16_t kQueue = 1;
  InflightAreas() {
    inflight.area = {0, 0, 2, kSize};
    FALLOW_CHECK(InflightArea::make(inflight) == Status::Ok);
    reopen();
  }
  ~InflightAreas() override { close(inflight.fd); }
  // The next back-end does the same.
  void reopen() {
    auto opened = InflightArea::open(inflight);
    FALLOW_CHECK(opened);
    area = std::move(opened.object);
  }
  using Ids = std::vector<std::uint16_t>;

  InflightSettings inflight;
  std::unique_ptr<InflightArea> area;
};

TEST_F(InflightAreas, NameWhatWasTakenInItsOrder) {
  EXPECT_EQ(area->owed(kQueue, kSize, 7), Ids{});
  area->taken(kQueue, {5, 1, {}}, {8, 7});
  area->taken(kQueue, {3, 1, {}}, {9, 7});
  reopen();
  EXPECT_EQ(area->owed(kQueue, kSize, 7), (Ids{5, 3}));
}

TEST_F(InflightAreas, LeaveOutWhatReachedTheRingAndNotTheArea) {
  static_cast<void>(area->owed(kQueue, kSize, 0xffff));
  area->taken(kQueue, {5, 1, {}}, {0, 0xffff});
  area->taken(kQueue, {3, 1, {}}, {1, 0xffff});
  area->returning(kQueue, 5, 1);
  reopen();
  EXPECT_EQ(area->owed(kQueue, kSize, 0), Ids{3});
}

TEST_F(InflightAreas, OfAnotherUsedIndexAreNotBelieved) {
  static_cast<void>(area->owed(kQueue, kSize, 7));
  area->taken(kQueue, {5, 1, {}}, {8, 7});
  reopen();
  EXPECT_EQ(area->owed(kQueue, kSize, 9), Ids{});
  EXPECT_EQ(area->owed(kQueue, kSize, 9), Ids{}) << "nor later";
  area->taken(kQueue, {2, 1, {}}, {10, 9});
  reopen();
  EXPECT_EQ(area->owed(kQueue, kSize, 9), Ids{2});
}

TEST_F(InflightAreas, OfAnotherSizeAreNotBelieved) {
  static_cast<void>(area->owed(kQueue, kSize, 0));
  area->taken(kQueue, {1, 1, {}}, {1, 0});
  reopen();
  EXPECT_EQ(area->owed(kQueue, kSize / 2, 0), Ids{});
}

TEST_F(InflightAreas, AreForgottenQueueByQueue) {
  for (const std::uint16_t queue : {std::uint16_t{0}, kQueue}) {
    static_cast<void>(area->owed(queue, kSize, 0));
    area->taken(queue, {1, 1, {}}, {1, 0});
  }
  area->forget(kQueue);
  EXPECT_EQ(area->owed(kQueue, kSize, 0), Ids{});
  EXPECT_EQ(area->owed(0, kSize, 0), Ids{1});
}

// An area that no process of this daemon wrote: reads are bounded, and no field is trusted.
TEST_F(InflightAreas, OfAnyContentNameWhatIsInTheRing) {
  std::uint32_t seed = 1;
  const std::uint64_t bytes = InflightArea::size(2, kSize);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> any(bytes);
    for (std::byte& byte : any) {
      seed = seed * 1664525 + 1013904223;
      byte = static_cast<std::byte>(seed >> 28 < 8 ? 0 : seed >> 20);
    }
    ASSERT_EQ(pwrite(inflight.fd, any.data(), any.size(), 0), static_cast<ssize_t>(any.size()));
    const Ids ids = area->owed(kQueue, kSize, static_cast<std::uint16_t>(seed));
    ASSERT_LE(ids.size(), kSize);
    for (const std::uint16_t id : ids) ASSERT_LT(id, kSize);
  }
}

}  // namespace
}  // namespace fallow::vhost
