// A guest from beginning to end, over a real socket.
#include "tests/support/vhost_server.h"

namespace fallow::vhost {
namespace {

constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint64_t kFree = VhostGuest::kFree;
using Request = Request;

class ServerGuest : public VhostServerRig {};

TEST_F(ServerGuest, ReportsAreReleasedAndTheRestIsNot) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  guest.fill(kFree, 16 * kMib);
  const std::uint64_t before = guest.blocks();
  ASSERT_TRUE(guest.report(kFree + 2 * kMib, kMib, 8));
  EXPECT_EQ(guest.blocks(), before - 8 * kMib);
  EXPECT_EQ(guest.memory()[kFree + 2 * kMib - 1], std::byte{0x5a});
  EXPECT_EQ(guest.memory()[kFree + 2 * kMib], std::byte{0});
  EXPECT_EQ(guest.memory()[kFree + 10 * kMib], std::byte{0x5a});
  const GuestSnapshot seen = box.guest();
  EXPECT_TRUE(seen.ready);
  EXPECT_EQ(seen.device.reports, 1U);
  EXPECT_EQ(seen.device.entries, 8U);
  EXPECT_EQ(seen.device.released.raw, 8U * kMib);
  EXPECT_EQ(seen.memory.raw, guest.options.memory);
  EXPECT_LE(seen.resident.raw, guest.blocks());
}

TEST_F(ServerGuest, TheUsedLengthSaysWhatWasReleased) {
  box.stop();
  box.options.guest.features |= kBalloonInitReported;
  box.start();
  VhostGuestOptions options;
  options.features |= kBalloonInitReported;
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  EXPECT_EQ(guest.report(kFree, kMib, 3), 3 * kMib);
  const detail::QueueBuffer beyond[] = {VhostGuest::range(kFree, kMib), {{0x1000}, kMib, true}};
  EXPECT_EQ(guest.exchange(VhostGuest::kReporting, beyond), kMib);
}

TEST_F(ServerGuest, InflateAndDeflateAndActual) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  guest.fill(VhostGuest::kLists, 4096);
  guest.fill(kFree, 4 * kMib);
  const std::uint64_t before = guest.blocks();
  ASSERT_TRUE(guest.tell(VhostGuest::kInflate, {512, 513, 600}));
  EXPECT_EQ(guest.blocks(), before - 3 * 4096);
  EXPECT_EQ(guest.write_config(kBalloonActual, 3), 0U);
  EXPECT_EQ(box.guest().device.inflated.raw, 3U);
  EXPECT_EQ(box.guest().actual.raw, 3U);
  ASSERT_TRUE(guest.tell(VhostGuest::kDeflate, {513, 512}));
  EXPECT_EQ(box.guest().device.inflated.raw, 1U);
}

TEST_F(ServerGuest, TargetChangesAreTold) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  EXPECT_EQ(guest.config(kBalloonNumPages), 0U);
  EXPECT_EQ(box.ask([](Server& s) { return s.set_target(0, {1234}); }), Status::Ok);
  EXPECT_TRUE(guest.told_of_config());
  EXPECT_EQ(guest.config(kBalloonNumPages), 1234U);
  EXPECT_EQ(box.ask([](Server& s) { return s.set_target(4711, {1}); }), Status::NotFound);
  EXPECT_EQ(guest.config(kBalloonNumPages), 1234U);
  EXPECT_NE(guest.write_config(kBalloonNumPages, 7), 0U) << "read-only";
}

TEST_F(ServerGuest, StatisticsComeOnRequest) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  const auto number = box.guest().number;
  guest.give_statistics(4, 0x1234567);
  EXPECT_TRUE(eventually([&] { return box.guest().statistics.updates == 1; }));
  EXPECT_EQ(box.guest().statistics.value[4], 0x1234567U);
  EXPECT_EQ(box.ask([&](Server& s) { return s.request_statistics(number); }), Status::Ok);
  ASSERT_TRUE(guest.take(VhostGuest::kStats)) << "the buffer comes back as a request for more";
  EXPECT_EQ(box.ask([&](Server& s) { return s.request_statistics(number); }), Status::Busy);
}

TEST_F(ServerGuest, WhilePausedNothingIsReleased) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  guest.fill(kFree, 4 * kMib);
  const std::uint64_t before = guest.blocks();
  EXPECT_EQ(box.ask([](Server& s) { return s.pause(0, true); }), Status::Ok);
  EXPECT_EQ(guest.report(kFree, kMib), 0U);
  EXPECT_EQ(guest.blocks(), before);
  EXPECT_TRUE(box.guest().paused);
  EXPECT_EQ(box.ask([](Server& s) { return s.pause(0, false); }), Status::Ok);
  ASSERT_TRUE(guest.report(kFree, kMib));
  EXPECT_EQ(guest.blocks(), before - kMib);
}

class ServerRings : public VhostServerRig, public testing::WithParamInterface<Features> {
 protected:
  ServerRings() : VhostServerRig({.features = BalloonGuestOptions{}.features | kFeatureRingPacked}) {
    options.features = (options.features & ~kRingFeatures) | GetParam();
  }
  VhostGuestOptions options;
};
INSTANTIATE_TEST_SUITE_P(All, ServerRings,
                         testing::Values(Features{0}, kFeatureEventIdx, kFeatureIndirectDesc,
                                         kFeatureEventIdx | kFeatureIndirectDesc, kFeatureRingPacked,
                                         kFeatureRingPacked | kFeatureEventIdx,
                                         kFeatureRingPacked | kFeatureIndirectDesc,
                                         kFeatureRingPacked | kFeatureEventIdx | kFeatureIndirectDesc));

// More chains than ring entries, through many wraps, with stops in between.
TEST_P(ServerRings, StopAndGoOnWhereItWas) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  std::uint32_t base = 0;
  std::uint64_t sent = 0;
  for (unsigned round = 0; round < 8; ++round) {
    for (unsigned i = 0; i < 37; ++i) {
      ASSERT_TRUE(guest.report(kFree + i % 4 * kMib, kMib / 4, 1 + i % 4)) << round << " " << i;
      ++sent;
    }
    base = guest.stop_ring(VhostGuest::kReporting);
    if (!guest.packed) {
      EXPECT_EQ(base, sent);
    }
    ASSERT_TRUE(guest.start_ring(VhostGuest::kReporting, base));
  }
  EXPECT_EQ(box.guest().device.reports, sent);
}

// Chains made available while the ring was stopped are found without a kick.
TEST_P(ServerRings, ChainsThatCameWhileStopped) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  ASSERT_TRUE(guest.report(kFree, kMib));
  const std::uint32_t base = guest.stop_ring(VhostGuest::kReporting);
  const detail::QueueBuffer range = VhostGuest::range(kFree, kMib);
  for (std::uint64_t i = 0; i < 5; ++i) guest.add(VhostGuest::kReporting, {&range, 1}, i);
  EXPECT_FALSE(guest.take(VhostGuest::kReporting, 20));
  ASSERT_TRUE(guest.start_ring(VhostGuest::kReporting, base));
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto used = guest.take(VhostGuest::kReporting);
    ASSERT_TRUE(used);
    EXPECT_EQ(used->token, i);
  }
  EXPECT_FALSE(guest.take(VhostGuest::kReporting, 0));
}

TEST_F(ServerGuest, ADisabledRingIsNotServed) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  ASSERT_EQ(guest.ack(Request::SetVringEnable, bytes_of(VringState{3, 0})), 0U);
  const detail::QueueBuffer range = VhostGuest::range(kFree, kMib);
  guest.add(VhostGuest::kReporting, {&range, 1});
  EXPECT_FALSE(guest.take(VhostGuest::kReporting, 50));
  ASSERT_EQ(guest.ack(Request::SetVringEnable, bytes_of(VringState{3, 1})), 0U);
  EXPECT_TRUE(guest.take(VhostGuest::kReporting));
}

TEST_F(ServerGuest, DescriptorsThatAreReplacedWhileReportsRun) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  const detail::QueueBuffer range = VhostGuest::range(kFree, 4096);
  for (int i = 0; i < 300; ++i) {
    guest.add(VhostGuest::kReporting, {&range, 1});
    ASSERT_EQ(guest.ack(Request::SetVringCall, bytes_of(std::uint64_t{VhostGuest::kReporting}),
                        {dup(guest.rings[VhostGuest::kReporting].call)}),
              0U);
    guest.add(VhostGuest::kReporting, {&range, 1});
    ASSERT_EQ(guest.ack(Request::SetVringKick, bytes_of(std::uint64_t{VhostGuest::kReporting}),
                        {dup(guest.rings[VhostGuest::kReporting].kick)}),
              0U);
    ASSERT_TRUE(guest.take(VhostGuest::kReporting)) << i;
    ASSERT_TRUE(guest.take(VhostGuest::kReporting)) << i;
  }
}

TEST_F(ServerGuest, MemoryThatComesAndGoesWhileRingsRun) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  constexpr std::uint64_t kAt = 0x4000'0000;
  const int file = VhostFrontEnd::memory();
  ASSERT_EQ(ftruncate(file, 8 * kMib), 0);
  ASSERT_EQ(posix_fallocate(file, 0, 8 * kMib), 0);
  const MemReg more{0, {kAt, 8 * kMib, 0x7fff'0000'0000, 0}};
  const detail::QueueBuffer there{{kAt + kMib}, 2 * kMib, true};
  const auto blocks = [&] {
    struct stat s {};
    fstat(file, &s);
    return s.st_blocks * 512;
  };

  ASSERT_TRUE(guest.exchange(VhostGuest::kReporting, {&there, 1}));
  EXPECT_EQ(blocks(), 8 * kMib) << "not there yet";
  ASSERT_EQ(guest.ack(Request::AddMemReg, bytes_of(more), {dup(file)}), 0U);
  ASSERT_TRUE(guest.exchange(VhostGuest::kReporting, {&there, 1}));
  EXPECT_EQ(blocks(), 6 * kMib);
  ASSERT_EQ(guest.ack(Request::RemMemReg, bytes_of(more)), 0U);
  const detail::QueueBuffer gone{{kAt + 4 * kMib}, 2 * kMib, true};
  ASSERT_TRUE(guest.exchange(VhostGuest::kReporting, {&gone, 1}));
  EXPECT_EQ(blocks(), 6 * kMib) << "gone again";
  ASSERT_TRUE(guest.report(kFree, kMib, 2)) << "the rest is as it was";
  close(file);
}

TEST_F(ServerGuest, MemoryWithRingsInItCannotGo) {
  box.stop();
  box.options.guest.max_queue_size = 1024;
  box.start();
  VhostGuest guest(box.path, {.queue_size = 1024});
  ASSERT_TRUE(guest.bind());
  EXPECT_NE(guest.ack(Request::RemMemReg, bytes_of(MemReg{0, guest.region()})), 0U);
  EXPECT_TRUE(guest.report(kFree, kMib));
  // The memory would end within the last ring: all three areas begin inside it.
  Region shorter = guest.region();
  shorter.size =
      (guest.rings[3].driver->addresses().device_area.raw - VhostGuest::kBase) / 4096 * 4096 + 4096;
  EXPECT_NE(guest.ack(Request::SetMemTable, bytes_of(MemTable{1, 0}, shorter), {dup(guest.file())}), 0U);
  EXPECT_TRUE(guest.report(kFree, kMib)) << box.events.all();
}

TEST_F(ServerGuest, ADriverThatBeginsAnew) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  ASSERT_TRUE(guest.tell(VhostGuest::kInflate, {512}));
  EXPECT_EQ(guest.write_config(kBalloonActual, 1), 0U);
  ASSERT_TRUE(guest.report(kFree, kMib));
  ASSERT_EQ(guest.ack(Request::ResetDevice), 0U);
  EXPECT_EQ(box.guest().actual.raw, 0U);
  EXPECT_EQ(box.guest().device.inflated.raw, 0U);
  ASSERT_TRUE(guest.start_rings());
  ASSERT_TRUE(guest.report(kFree, kMib));

  ASSERT_EQ(guest.ack(Request::SetStatus, bytes_of(std::uint64_t{15})), 0U);
  EXPECT_EQ(guest.ask(Request::GetStatus)->u64(), 15U);
  ASSERT_EQ(guest.ack(Request::SetStatus, bytes_of(std::uint64_t{0})), 0U);
  EXPECT_EQ(guest.ask(Request::GetStatus)->u64(), 0U);
  ASSERT_TRUE(guest.start_rings());
  ASSERT_TRUE(guest.report(kFree, kMib));
}

// User Mode Linux unloads a driver and loads it again: no reset, no GET_VRING_BASE.
TEST_F(ServerGuest, ADriverThatBeginsAnewWithoutSayingSo) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(guest.report(kFree, kMib, 4));
    for (std::uint32_t queue = 4; queue-- > 0;)
      ASSERT_EQ(guest.ack(Request::SetVringEnable, bytes_of(VringState{queue, 0})), 0U);
    ASSERT_EQ(guest.ack(Request::SetFeatures, bytes_of(guest.accepted)), 0U);
    ASSERT_TRUE(guest.set_memory() && guest.start_rings()) << box.events.all();
  }
  ASSERT_TRUE(guest.report(kFree, kMib, 4));
}

// A monitor pauses and resumes its guest, and resets the device in between. The guest is not aware of this,
// and its free pages must keep their poison.
TEST_F(ServerGuest, PoisonOutlivesAMonitorsStop) {
  box.stop();
  box.options.guest.features |= kBalloonPagePoison;
  box.start();
  VhostGuestOptions options;
  options.features |= kBalloonPagePoison;
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  ASSERT_EQ(guest.write_config(kBalloonPoisonVal, 0xaaaaaaaa), 0U);
  EXPECT_EQ(guest.report(kFree, kMib), 0U);
  for (const bool by_reset : {false, true}) {
    for (std::uint32_t queue = 4; queue-- > 0;)
      ASSERT_EQ(guest.ack(Request::SetVringEnable, bytes_of(VringState{queue, 0})), 0U);
    ASSERT_EQ(by_reset ? guest.ack(Request::ResetDevice)
                       : guest.ack(Request::SetFeatures, bytes_of(guest.accepted)),
              0U);
    ASSERT_TRUE(guest.set_memory() && guest.start_rings()) << box.events.all();
    EXPECT_EQ(guest.report(kFree, kMib), 0U) << "released, though it must keep a value";
  }
  ASSERT_EQ(guest.write_config(kBalloonPoisonVal, 0), 0U);
  EXPECT_EQ(guest.report(kFree, kMib), kMib);
}

}  // namespace
}  // namespace fallow::vhost
