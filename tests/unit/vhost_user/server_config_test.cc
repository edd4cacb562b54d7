// The configuration space as front-ends read and write it, and which poison value the daemon trusts.
#include "tests/support/vhost_server.h"

namespace fallow::vhost {
namespace {

using Request = Request;
constexpr std::uint32_t kMib = 1 << 20;
constexpr std::uint64_t kFree = VhostGuest::kFree;
constexpr std::uint32_t kPoison = 0xaaaa'aaaa;

class ServerConfig : public VhostServerRig {};

// QEMU's generic front-end writes all 16 bytes, whichever field the driver wrote.
std::uint64_t write_all(VhostGuest& guest, std::uint32_t actual, std::uint32_t poison = 0) {
  return guest.ack(Request::SetConfig, bytes_of(ConfigHead{0, 16, 0}, 77U, actual, 88U, poison));
}

TEST_F(ServerConfig, AWriteOfTheWholeSpaceSetsActual) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  ASSERT_EQ(box.ask([](Server& s) { return s.set_target(0, {1234}); }), Status::Ok);
  EXPECT_EQ(write_all(guest, 256), 0U) << box.events.all();
  EXPECT_EQ(guest.config(kBalloonActual), 256U);
  EXPECT_EQ(box.guest().actual.raw, 256U);
  EXPECT_EQ(guest.config(kBalloonNumPages), 1234U) << "the host's";
  EXPECT_EQ(guest.config(kBalloonHintCmdId), 0U) << "the host's";
  EXPECT_EQ(guest.config(kBalloonPoisonVal), 0U) << "not offered";
  EXPECT_EQ(box.events.count("refused"), 0U) << box.events.all();
}

TEST_F(ServerConfig, EveryWriteInsideTheSpaceSetsThePartOfActualThatItCovers) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  for (std::uint32_t offset = 0; offset < 16; ++offset) {
    for (std::uint32_t size = 1; offset + size <= 16; ++size) {
      ASSERT_EQ(guest.write_config(kBalloonActual, 0), 0U);
      Bytes payload = bytes_of(ConfigHead{offset, size, 0});
      payload.resize(payload.size() + size, std::byte{0x11});
      std::uint32_t expected = 0;
      for (std::uint32_t at = offset; at < offset + size; ++at) {
        if (at >= 4 && at < 8) expected |= 0x11U << (8 * (at - 4));
      }
      EXPECT_EQ(guest.ack(Request::SetConfig, payload), expected == 0 ? 1U : 0U) << offset << " " << size;
      EXPECT_EQ(guest.config(kBalloonActual), expected) << offset << " " << size;
    }
  }
  EXPECT_TRUE(box.events.wait_for("4 bytes at 0 contain no field that the driver may write"))
      << box.events.all();
}

TEST_F(ServerConfig, AWriteBeyondTheSpaceIsRefusedByName) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  Bytes payload = bytes_of(ConfigHead{0, 60, 0});
  payload.resize(payload.size() + 60, std::byte{1});
  EXPECT_EQ(guest.ack(Request::SetConfig, payload), 1U);
  EXPECT_TRUE(box.events.wait_for("60 bytes at 0 exceed the configuration of 16 bytes")) << box.events.all();
  EXPECT_EQ(guest.config(kBalloonActual), 0U);
}

TEST_F(ServerConfig, AReadPastTheEndHasWhatThereIs) {
  VhostGuest guest(box.path);
  ASSERT_TRUE(guest.bind());
  ASSERT_EQ(guest.write_config(kBalloonActual, 0x01020304), 0U);
  Bytes payload = bytes_of(ConfigHead{4, 60, 0});
  payload.resize(payload.size() + 60);
  const auto reply = guest.ask(Request::GetConfig, payload);
  ASSERT_TRUE(reply);
  Bytes expected = bytes_of(ConfigHead{4, 60, 0}, 0x01020304U);
  expected.resize(payload.size());
  EXPECT_EQ(reply->payload, expected) << "as long as it was asked for, zero behind the end";
}

// ---- The poison value. ----

class ServerPoison : public VhostServerRig {
 protected:
  ServerPoison() : VhostServerRig({.features = BalloonGuestOptions{}.features | kBalloonPagePoison}) {
    options.features |= kBalloonPagePoison;
  }
  VhostGuestOptions options;
  static constexpr const char* kUnknown = "has not written the value";
};

TEST_F(ServerPoison, BeforeTheFeaturesIsKept) {
  VhostGuest guest(box.path, options);
  ASSERT_EQ(guest.ack(Request::SetProtocolFeatures, bytes_of(kServedProtocolFeatures)), 0U);
  EXPECT_EQ(write_all(guest, 0, kPoison), 0U) << box.events.all();
  EXPECT_EQ(guest.config(kBalloonPoisonVal), kPoison) << "a front-end writes back what it reads";
  ASSERT_TRUE(guest.bind());
  EXPECT_EQ(guest.config(kBalloonPoisonVal), kPoison);
  EXPECT_EQ(guest.report(kFree, kMib), 0U);
  EXPECT_TRUE(box.events.wait_for("0xaaaaaaaa")) << box.events.all();
}

TEST_F(ServerPoison, ZeroBeforeTheFeaturesIsZero) {
  VhostGuest guest(box.path, options);
  ASSERT_EQ(guest.ack(Request::SetProtocolFeatures, bytes_of(kServedProtocolFeatures)), 0U);
  EXPECT_EQ(write_all(guest, 0, 0), 0U) << box.events.all();
  ASSERT_TRUE(guest.bind());
  EXPECT_EQ(guest.report(kFree, kMib), kMib) << box.events.all();
}

TEST_F(ServerPoison, OfADriverThatSaidNothingNothingIsReleased) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  guest.fill(kFree, kMib);
  EXPECT_EQ(guest.report(kFree, kMib), 0U);
  EXPECT_EQ(guest.memory()[kFree], std::byte{0x5a});
  EXPECT_TRUE(box.events.wait_for(kUnknown)) << box.events.all();
  // A write of a single field comes from the driver itself.
  ASSERT_EQ(guest.write_config(kBalloonPoisonVal, 0), 0U);
  EXPECT_EQ(guest.report(kFree, kMib), kMib);
  EXPECT_EQ(box.events.count(kUnknown), 1U);
}

TEST_F(ServerPoison, ADriverWithoutItIsNotAsked) {
  options.features &= ~kBalloonPagePoison;
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  EXPECT_EQ(write_all(guest, 1, 5), 0U);
  EXPECT_EQ(guest.report(kFree, kMib), kMib);
  EXPECT_EQ(box.events.count(kUnknown), 0U);
}

// While the driver runs, a write of the whole space repeats what the front-end last read, which may still be
// 0.
TEST_F(ServerPoison, AZeroInAWideWriteWhileRunningProvesNothing) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  EXPECT_EQ(write_all(guest, 1, 0), 0U);
  EXPECT_EQ(guest.report(kFree, kMib), 0U);
  EXPECT_TRUE(box.events.wait_for(kUnknown)) << box.events.all();
  EXPECT_EQ(guest.config(kBalloonActual), 1U);
  // Any other value counts, whatever its origin: nothing is released afterwards.
  EXPECT_EQ(write_all(guest, 2, kPoison), 0U);
  EXPECT_EQ(guest.config(kBalloonPoisonVal), kPoison);
  EXPECT_EQ(write_all(guest, 3, 0), 0U);
  EXPECT_EQ(guest.report(kFree, kMib), 0U) << "from a value to 0";
}

TEST_F(ServerPoison, AWideWriteThatRepeatsTheValueChangesNothing) {
  VhostGuest guest(box.path, options);
  ASSERT_EQ(guest.ack(Request::SetProtocolFeatures, bytes_of(kServedProtocolFeatures)), 0U);
  EXPECT_EQ(write_all(guest, 0, 0), 0U);
  ASSERT_TRUE(guest.bind());
  EXPECT_EQ(write_all(guest, 1, 0), 0U);
  EXPECT_EQ(guest.report(kFree, kMib), kMib) << box.events.all();
}

TEST_F(ServerPoison, TheNextDriverHasToSayIt) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  ASSERT_EQ(guest.write_config(kBalloonPoisonVal, 0), 0U);
  ASSERT_EQ(guest.report(kFree, kMib), kMib);
  static_cast<void>(guest.stop_rings());
  ASSERT_EQ(guest.set_features(guest.accepted), 0U);
  ASSERT_TRUE(guest.set_memory() && guest.start_rings());
  EXPECT_EQ(guest.report(kFree, kMib), 0U);
  EXPECT_TRUE(box.events.wait_for(kUnknown)) << box.events.all();
}

// A monitor pauses and resumes its guest.
TEST_F(ServerPoison, OutlivesAStop) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  ASSERT_EQ(guest.write_config(kBalloonPoisonVal, 0), 0U);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(guest.report(kFree, kMib), kMib);
    const auto bases = guest.stop_rings();
    ASSERT_EQ(guest.set_features(guest.accepted), 0U);
    ASSERT_TRUE(guest.set_memory() && guest.continue_rings(bases)) << box.events.all();
  }
  EXPECT_EQ(box.events.count(kUnknown), 0U) << box.events.all();
}

// Rings that were never used start where those of another driver would start.
TEST_F(ServerPoison, AStopBeforeAnythingHappenedLeavesItInDoubt) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  ASSERT_EQ(guest.write_config(kBalloonPoisonVal, 0), 0U);
  auto bases = guest.stop_rings();
  ASSERT_TRUE(guest.continue_rings(bases));
  EXPECT_EQ(guest.report(kFree, kMib), 0U);
  EXPECT_TRUE(box.events.wait_for(kUnknown)) << box.events.all();
  bases = guest.stop_rings();
  ASSERT_TRUE(guest.continue_rings(bases));
  EXPECT_EQ(guest.report(kFree, kMib), kMib) << "the ring that was used proves that it is the same";
}

TEST_F(ServerPoison, OutlivesAWorker) {
  VhostGuest guest(box.path, options);
  ASSERT_TRUE(guest.bind());
  box.die();
  box.start();
  ASSERT_TRUE(box.events.wait_for("resumed"));
  EXPECT_EQ(guest.report(kFree, kMib), 0U) << "not known before, not known now";
  ASSERT_EQ(guest.write_config(kBalloonPoisonVal, 0), 0U);
  box.die();
  box.start();
  ASSERT_TRUE(box.events.wait_for("resumed", 2));
  EXPECT_EQ(guest.report(kFree, kMib), kMib) << box.events.all();
}

}  // namespace
}  // namespace fallow::vhost
