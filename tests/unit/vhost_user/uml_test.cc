// The messages of User Mode Linux 6.1, one by one, with their peculiarities.
#include "tests/unit/vhost_user/rig.h"

namespace fallow::vhost {
namespace {

using Request = Request;

class VhostUml : public VhostRig {
 protected:
  static constexpr std::uint64_t kFeatures = kFeatureVersion1 | kVhostFProtocolFeatures | 0x26;
  static constexpr std::uint64_t kProtocol = kVhostPfReplyAck | kVhostPfBackendReq | kVhostPfConfig;

  VhostUml() {
    device.offered = kFeatureVersion1 | 0x26;
    device.protocol = kProtocol;
  }
  void boot() {
    EXPECT_EQ(send(Request::SetOwner), SessionOutcome::Done);
    EXPECT_FALSE(front.reply());
    EXPECT_EQ(ask(Request::GetFeatures), kFeatures);
    EXPECT_EQ(ask(Request::GetProtocolFeatures), kProtocol);
    // UML asks for an acknowledgement before acknowledgements are negotiated.
    EXPECT_EQ(ack(Request::SetProtocolFeatures, bytes_of(kProtocol)), 0U);
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    requests = ends[0];
    EXPECT_EQ(ack(Request::SetBackendReqFd, {}, {ends[1]}), 0U);
  }
  void bind(bool twice = false) {
    EXPECT_EQ(ack(Request::SetFeatures, bytes_of(kFeatures)), 0U);
    if (twice) {
      EXPECT_EQ(ack(Request::SetFeatures, bytes_of(kFeatures & ~kVhostFProtocolFeatures)), 0U);
    }
    set_memory();  // 72 bytes for one region
    for (std::uint32_t i = 0; i < 4; ++i) {
      int ends[2];
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
      close(ends[0]);
      EXPECT_EQ(ack(Request::SetVringCall, bytes_of(std::uint64_t{i}), {ends[1]}), 0U) << said;
      describe_ring(i);
    }
    for (std::uint32_t i = 0; i < 4; ++i) {
      EXPECT_EQ(kick(i), 0U) << said;
      EXPECT_EQ(device.rings[i].enabled, twice);
      if (!twice) {
        EXPECT_EQ(enable(i, 1), 0U);
      }
      EXPECT_TRUE(device.rings[i].started && device.rings[i].enabled);
    }
    EXPECT_EQ(send(Request::GetConfig, bytes_of(ConfigHead{0, 4, 0}, 0U)), SessionOutcome::Done);
    const auto reply = front.reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->header.flags, 5U);
    EXPECT_EQ(reply->payload, bytes_of(ConfigHead{0, 4, 0}, target));
  }
  void unload() {
    EXPECT_EQ(ack(Request::SetConfig, bytes_of(ConfigHead{4, 4, 0}, 0U)), 0U);
    for (std::uint32_t i = 4; i-- > 0;) EXPECT_EQ(enable(i, 0), 0U);
    EXPECT_EQ(ask(Request::GetFeatures), kFeatures);
  }
  ~VhostUml() override {
    if (requests >= 0) close(requests);
  }

  int requests = -1;
  std::uint32_t target = 0;
};

TEST_F(VhostUml, BootsBindsAndInflates) {
  boot();
  bind();
  for (std::uint32_t actual = 256; actual <= 1024; actual += 256)
    EXPECT_EQ(ack(Request::SetConfig, bytes_of(ConfigHead{4, 4, 0}, actual)), 0U);
  EXPECT_EQ(std::memcmp(device.config + 4, bytes_of(1024U).data(), 4), 0);
  unload();
}

TEST_F(VhostUml, FeaturesASecondTimeWithoutBit30EnableTheRings) {
  boot();
  bind(true);
}

TEST_F(VhostUml, LoadsUnloadsAndLoadsAgainOnOneConnection) {
  boot();
  bind();
  const std::size_t open = open_descriptors();
  for (int i = 0; i < 3; ++i) {
    unload();
    for (const auto& ring : device.rings) EXPECT_FALSE(ring.enabled);
    device.position = 77;  // the earlier position does not matter
    device.calls.clear();
    bind();
    EXPECT_EQ(device.rings[3].base, 0U);
    EXPECT_EQ(std::count(device.calls.begin(), device.calls.end(), "start_ring 3"), 1);
    EXPECT_EQ(std::count(device.calls.begin(), device.calls.end(), "drop_ring 3"), 1);
    EXPECT_EQ(open_descriptors(), open) << "those of before are closed";
  }
}

TEST_F(VhostUml, SuspendsAndResumes) {
  boot();
  bind();
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(enable(i, 0), 0U);
  EXPECT_TRUE(device.rings[2].started && !device.rings[2].enabled);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(enable(i, 1), 0U);
  EXPECT_TRUE(device.rings[2].started && device.rings[2].enabled);
}

TEST_F(VhostUml, HearsOfAChangedConfiguration) {
  EXPECT_EQ(session.notify_config_change(), Status::NotFound);
  boot();
  EXPECT_EQ(session.notify_config_change(), Status::Ok);
  Header header;
  ASSERT_EQ(read(requests, &header, sizeof header), 12);
  EXPECT_EQ(header.request, 2U);
  EXPECT_EQ(header.flags, 1U);
  EXPECT_EQ(header.size, 0U);
  // The session does not wait for a front-end that does not read its messages.
  Status status = Status::Ok;
  for (int i = 0; i < 100'000 && status == Status::Ok; ++i) status = session.notify_config_change();
  EXPECT_EQ(status, Status::Busy);
  close(std::exchange(requests, -1));
  EXPECT_EQ(session.notify_config_change(), Status::Failed);
}

// The device and the daemon see guest addresses; on UML these equal user addresses, elsewhere they differ.
TEST_F(VhostUml, UserAddressesAreTranslated) {
  boot();
  Region at = region();
  at.user_address = 0x7f0000000000;
  EXPECT_EQ(ack(Request::SetMemTable, bytes_of(MemTable{1, 0}, at), {VhostFrontEnd::memory()}), 0U);
  std::uint64_t guest = 0;
  EXPECT_TRUE(session.settings().guest_address(0x7f0000000010, 16, guest));
  EXPECT_EQ(guest, kMemoryAt + 0x10);
  EXPECT_TRUE(session.settings().guest_address(0x7f0000000000, kMemorySize, guest));
  EXPECT_FALSE(session.settings().guest_address(0x7f0000000001, kMemorySize, guest));
  EXPECT_FALSE(session.settings().guest_address(0x7effffffffff, 1, guest));
  EXPECT_FALSE(session.settings().guest_address(0x7f0000000000 + kMemorySize, 0, guest));
  EXPECT_FALSE(session.settings().guest_address(0x7f0000000001, ~std::uint64_t{0}, guest));
}

}  // namespace
}  // namespace fallow::vhost
