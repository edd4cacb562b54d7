// The numbering of queues, and the error text for a queue that cannot be served: the one wrong value, and
// what is allowed.
#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/vhost_server.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint64_t kFree = VhostGuest::kFree;

class ServerQueues : public VhostServerRig {
 protected:
  // Offers exactly these queues.
  bool bind(VhostGuest& guest, std::initializer_list<std::uint16_t> queues) {
    if (!guest.negotiate() || !guest.set_memory()) return false;
    return std::all_of(queues.begin(), queues.end(),
                       [&](std::uint16_t queue) { return start(guest, queue); });
  }
  static bool start(VhostGuest& guest, std::uint16_t queue) {
    guest.make_ring(queue);
    return guest.start_ring(queue, guest.fresh_base());
  }
  static bool reports(VhostGuest& guest, std::uint16_t queue) {
    const detail::QueueBuffer range = VhostGuest::range(kFree, kMib);
    guest.fill(kFree, kMib);
    return guest.exchange(queue, {&range, 1}) == kMib && guest.memory()[kFree] == std::byte{0};
  }
  static VhostGuestOptions with(Features features) { return {.features = features}; }
};

TEST_F(ServerQueues, OfADriverThatDeclinesStatistics) {
  VhostGuest guest(box.path, with(kBalloonPageReporting));
  ASSERT_TRUE(bind(guest, {0, 1, 2})) << box.events.all();
  EXPECT_TRUE(reports(guest, 2));
  EXPECT_TRUE(
      box.events.wait_for("the queues are numbered without gaps over the features that its driver "
                          "accepted: inflate 0, deflate 1, reporting 2"))
      << box.events.all();
}

TEST_F(ServerQueues, AsVirtio12PrintsThem) {
  VhostGuest guest(box.path, with(kBalloonPageReporting | kBalloonStatsVq));
  ASSERT_TRUE(bind(guest, {0, 1, 2, 4})) << box.events.all();
  EXPECT_TRUE(reports(guest, 4));
  EXPECT_TRUE(
      box.events.wait_for("the queues are numbered as virtio 1.2 prints them: "
                          "inflate 0, deflate 1, statistics 2, reporting 4"))
      << box.events.all();
  // The next worker reports the same.
  box.die();
  box.start();
  ASSERT_TRUE(box.events.wait_for("resumed"));
  EXPECT_TRUE(reports(guest, 4));
}

// QEMU's own device uses these numbers.
TEST_F(ServerQueues, OverWhatWasOffered) {
  VhostGuest guest(box.path, with(kBalloonPageReporting));
  ASSERT_TRUE(bind(guest, {0, 1, 3})) << box.events.all();
  EXPECT_TRUE(reports(guest, 3));
  EXPECT_TRUE(
      box.events.wait_for("the queues are numbered without gaps over the features that were offered: "
                          "inflate 0, deflate 1, reporting 3"))
      << box.events.all();
}

TEST_F(ServerQueues, OneThatIsNone) {
  VhostGuest guest(box.path, with(kBalloonPageReporting));
  ASSERT_TRUE(bind(guest, {0, 1, 2}));
  for (const std::uint16_t queue : {std::uint16_t{3}, std::uint16_t{4}}) {
    EXPECT_FALSE(start(guest, queue));
    EXPECT_TRUE(box.events.wait_for(
        "queue " + std::to_string(queue) +
        " does not exist for this driver; its queues are inflate 0, deflate 1, reporting 2 (without gaps "
        "over the "
        "features that its driver accepted), or inflate 0, deflate 1, reporting 4 (as virtio 1.2 prints "
        "them), "
        "or inflate 0, deflate 1, reporting 3 (without gaps over the features that were offered)"))
        << box.events.all();
  }
  EXPECT_TRUE(reports(guest, 2));
}

TEST_F(ServerQueues, BeforeTheFeatures) {
  VhostGuest guest(box.path);
  ASSERT_EQ(guest.ack(Request::SetProtocolFeatures, bytes_of(kServedProtocolFeatures)), 0U);
  ASSERT_TRUE(guest.set_memory());
  EXPECT_FALSE(start(guest, 3));
  EXPECT_TRUE(
      box.events.wait_for("queue 3 cannot be served: SET_FEATURES with VIRTIO_F_VERSION_1 must come "
                          "first"))
      << box.events.all();
}

TEST_F(ServerQueues, TooLarge) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.negotiate() && guest.set_memory());
  EXPECT_EQ(guest.ack(Request::SetVringNum, bytes_of(VringState{3, 2048})), 1U);
  EXPECT_TRUE(box.events.wait_for(
      "SET_VRING_NUM: queue 3: size of 2048 entries is not within 1 to 256 (--queue-size); "
      "configure the front-end for at most that (QEMU: vq_size=256; Cloud Hypervisor: "
      "queue_sizes; crosvm: max-queue-size=256)"))
      << box.events.all();
}

// The size arrives after the addresses, so the addresses are checked again.
TEST_F(ServerQueues, AnAreaThatIsOutsideOfMemory) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.negotiate() && guest.set_memory());
  guest.make_ring(3);
  VringAddr at = guest.addresses(3);
  at.used = VhostGuest::kUser + guest.options.memory - 64;
  ASSERT_EQ(guest.ack(Request::SetVringAddr, bytes_of(at)), 0U);
  ASSERT_EQ(guest.ack(Request::SetVringNum, bytes_of(VringState{3, 64})), 0U);
  EXPECT_EQ(guest.ack(Request::SetVringKick, bytes_of(std::uint64_t{3}), {VhostFrontEnd::event()}), 1U);
  EXPECT_TRUE(
      box.events.wait_for("queue 3 cannot be served: its used ring of 518 bytes at user address "
                          "0x7f1201ffffc0 does not lie in one region of the guest's memory"))
      << box.events.all();
}

}  // namespace
}  // namespace fallow::vhost
