// Negotiation, replies, configuration, in-flight areas, closing and resuming.
#include "tests/unit/vhost_user/rig.h"

namespace fallow::vhost {
namespace {

using Request = Request;

class VhostSessionTest : public VhostRig {};
class VhostReplies : public VhostRig {};
class VhostConfigTest : public VhostRig {
 protected:
  VhostConfigTest() { negotiate(); }
  static Bytes config(const ConfigHead& head, std::size_t bytes) {
    Bytes payload(sizeof head + bytes, std::byte{7});
    std::memcpy(payload.data(), &head, sizeof head);
    return payload;
  }
  Bytes get(std::uint32_t offset, std::uint32_t size, std::size_t bytes) {
    outcome = send(Request::GetConfig, config({offset, size, 0}, bytes));
    const auto reply = front.reply();
    if (!reply) return bytes_of('?');
    EXPECT_EQ(reply->header.flags, 5U);
    return reply->payload;
  }
  std::uint64_t set(std::uint32_t offset, std::uint32_t size, std::size_t bytes, std::uint32_t flags = 0) {
    return ack(Request::SetConfig, config({offset, size, flags}, bytes));
  }
  SessionOutcome outcome = SessionOutcome::Idle;
};
class VhostInflightTest : public VhostRig {};

TEST_F(VhostReplies, AcknowledgementsOnlyWhenAskedForAndNegotiated) {
  EXPECT_EQ(ack(Request::SetOwner), ~0ULL) << "not negotiated";
  EXPECT_EQ(ack(Request::SetProtocolFeatures, bytes_of(kVhostPfReplyAck)), 0U) << "the message itself";
  EXPECT_EQ(ack(Request::SetOwner), 0U);
  EXPECT_EQ(send(Request::SetOwner), SessionOutcome::Done);
  EXPECT_FALSE(front.reply()) << "not asked for";
  EXPECT_EQ(ack(Request::SetProtocolFeatures, bytes_of(std::uint64_t{0})), 0U);
  EXPECT_EQ(ack(Request::SetOwner), ~0ULL) << "no more";
}

TEST_F(VhostReplies, ProtocolFeaturesThatWereNotOffered) {
  EXPECT_EQ(ack(Request::SetProtocolFeatures, bytes_of(kVhostPfReplyAck | kVhostPfInbandNotifications)), 1U);
  EXPECT_EQ(said, "SET_PROTOCOL_FEATURES: the protocol features 0x4000 were not offered");
  EXPECT_EQ(session.settings().protocol_features, 0U);
  device.protocol = kVhostPfConfig | kVhostPfPagefault;
  EXPECT_EQ(ask(Request::GetProtocolFeatures), kVhostPfConfig) << "only what the session serves";
  EXPECT_EQ(ack(Request::SetProtocolFeatures, bytes_of(kVhostPfReplyAck)), ~0ULL);
}

TEST_F(VhostReplies, FeaturesThatWereNotOffered) {
  negotiate();
  EXPECT_EQ(ack(Request::SetFeatures, bytes_of(kFeatureVersion1 | feature(26))), 1U);
  EXPECT_EQ(said, "SET_FEATURES: the features 0x4000000 were not offered");
  EXPECT_EQ(session.settings().features, kFeatureVersion1 | kVhostFProtocolFeatures);
}

TEST_F(VhostReplies, ARequestWithAReplyIsNotAcknowledgedToo) {
  negotiate();
  EXPECT_EQ(ask(Request::GetFeatures), device.offered | kVhostFProtocolFeatures);
  EXPECT_EQ(ask(Request::GetQueueNum), 5U);
  EXPECT_EQ(ask(Request::GetStatus), 0U);
}

TEST_F(VhostReplies, UnknownAndForeignRequests) {
  EXPECT_EQ(send(Request{0}), SessionOutcome::Refused);
  EXPECT_EQ(send(Request{77}, Bytes(100)), SessionOutcome::Refused);
  EXPECT_FALSE(front.reply());
  negotiate();
  EXPECT_EQ(ack(Request{77}, Bytes(100)), 1U);
  EXPECT_EQ(said, "an unknown request: request 77 is unknown");
  for (const Request request : {Request::SetLogBase, Request::SetLogFd, Request::SendRarp,
                                Request::SetVringEndian, Request::PostcopyListen}) {
    EXPECT_EQ(ack(request, Bytes(8), {VhostFrontEnd::event()}), 1U);
  }
  EXPECT_EQ(ack(Request::PostcopyEnd), 0x101U) << "has a reply of its own, which is no";
  EXPECT_EQ(send(Request::PostcopyAdvise), SessionOutcome::Refused);
  EXPECT_EQ(front.reply()->header.size, 0U);
  EXPECT_EQ(send(Request::CreateCryptoSession), SessionOutcome::Broken) << "it has no reply that says no";
}

TEST_F(VhostReplies, WhatWasNotNegotiatedIsRefused) {
  negotiate(kVhostPfReplyAck);
  EXPECT_EQ(ack(Request::SetBackendReqFd, {}, {VhostFrontEnd::event()}), 1U);
  EXPECT_EQ(said, "SET_BACKEND_REQ_FD: protocol feature 0x20 was not negotiated");
  EXPECT_EQ(ack(Request::ResetDevice), 1U);
  EXPECT_EQ(ack(Request::SetStatus, Bytes(8)), 1U);
  EXPECT_EQ(ack(Request::SetConfig, bytes_of(ConfigHead{4, 4, 0}, 0U)), 1U);
  EXPECT_EQ(ack(Request::AddMemReg, Bytes(40), {VhostFrontEnd::event()}), 1U);
  EXPECT_EQ(ask(Request::GetQueueNum), 5U) << "it was offered";
  EXPECT_EQ(send(Request::GetMaxMemSlots), SessionOutcome::Broken);
  device.protocol = kVhostPfReplyAck;
  EXPECT_EQ(send(Request::GetQueueNum), SessionOutcome::Broken);
}

TEST_F(VhostReplies, OwnersAreForgottenByNobody) {
  negotiate_and_set_memory();
  start_ring(0);
  EXPECT_EQ(ack(Request::SetOwner), 0U);
  EXPECT_EQ(ack(Request::SetOwner), 0U);
  EXPECT_EQ(ack(Request::ResetOwner), 0U);
  EXPECT_TRUE(session.settings().owned && device.rings[0].started);
}

TEST_F(VhostReplies, Status) {
  negotiate();
  EXPECT_EQ(ack(Request::SetStatus, bytes_of(std::uint64_t{15})), 0U);
  EXPECT_EQ(ask(Request::GetStatus), 15U);
  EXPECT_EQ(ack(Request::SetStatus, bytes_of(std::uint64_t{0x100})), 1U);
  EXPECT_EQ(said, "SET_STATUS: status 0x100 is not within 0 to 0xff");
}

TEST_F(VhostConfigTest, ReadsAndWrites) {
  device.config[4] = std::byte{9};
  for (const std::uint32_t size : {4U, 8U, 12U, 16U}) EXPECT_EQ(get(0, size, size).size(), 12 + size);
  EXPECT_EQ(get(4, 1, 1), bytes_of(ConfigHead{4, 1, 0}, char{9}));
  EXPECT_EQ(set(4, 4, 4), 0U);
  EXPECT_EQ(device.config[7], std::byte{7});
  EXPECT_EQ(set(0, 16, 16, kVhostConfigMigration), 0U);
}

TEST_F(VhostConfigTest, BeyondItsEnd) {
  for (const std::uint32_t offset : {13U, 16U, 0x7fffffffU, ~0U}) {
    EXPECT_TRUE(get(offset, 4, 4).empty()) << "a reply without payload";
    EXPECT_EQ(outcome, SessionOutcome::Refused);
    EXPECT_EQ(set(offset, 4, 4), 1U);
  }
  EXPECT_EQ(said, "SET_CONFIG: the configuration: invalid argument (offset 4294967295, 4 bytes)");
  EXPECT_TRUE(get(0, 17, 17).empty());
}

TEST_F(VhostConfigTest, SizesThatDoNotFit) {
  EXPECT_TRUE(get(0, 0, 0).empty());
  EXPECT_TRUE(get(0, 257, 257).empty());
  EXPECT_TRUE(get(0, 1U << 31U, 4).empty());
  EXPECT_TRUE(get(0, 4, 0).empty());
  EXPECT_TRUE(get(0, 4, 8).empty());
  EXPECT_EQ(set(4, 0, 0), 1U);
  EXPECT_EQ(set(4, 257, 257), 1U);
  EXPECT_EQ(set(4, 8, 4), 1U);
  EXPECT_EQ(set(4, 4, 8), 1U);
  EXPECT_EQ(set(4, ~0U, 4), 1U);
  EXPECT_EQ(set(4, 4, 4, 2), 1U);
  EXPECT_EQ(said, "SET_CONFIG: flags 0x2 are unknown; 0 (writable) and 1 (migration) are allowed");
}

TEST_F(VhostInflightTest, IsMadeSentAndSentBack) {
  negotiate();
  const std::size_t open = open_descriptors();
  // Both lengths that front-ends use.
  for (const std::size_t size : {sizeof(InflightDescription), std::size_t{20}}) {
    Bytes payload = bytes_of(InflightDescription{0, 0, 5, 256});
    payload.resize(size);
    EXPECT_EQ(send(Request::GetInflightFd, payload), SessionOutcome::Done);
    const auto reply = front.reply();
    ASSERT_TRUE(reply && reply->fd >= 0);
    EXPECT_EQ(reply->payload.size(), size);
    InflightDescription area;
    std::memcpy(&area, reply->payload.data(), size);
    EXPECT_EQ(area.mmap_size, 4096U);
    EXPECT_EQ(area.queues, 5);
    EXPECT_EQ(open_descriptors(), open + 2);
    EXPECT_EQ(ack(Request::SetInflightFd, reply->payload, {reply->fd}), 0U) << said;
    EXPECT_EQ(open_descriptors(), open + 1);
    EXPECT_TRUE(VhostDevice::open(device.inflight.fd));
  }
}

TEST_F(VhostInflightTest, Hostile) {
  negotiate();
  const auto set = [this](const InflightDescription& area) {
    return ack(Request::SetInflightFd, bytes_of(area), {VhostFrontEnd::memory()});
  };
  EXPECT_EQ(set({0, 0, 1, 256}), 1U);
  EXPECT_EQ(set({4096, ~0ULL, 1, 256}), 1U);
  EXPECT_EQ(set({4096, 0, 0, 256}), 1U);
  EXPECT_EQ(set({4096, 0, 6, 256}), 1U);
  EXPECT_EQ(set({4096, 0, 1, 0}), 1U);
  EXPECT_EQ(ack(Request::SetInflightFd, bytes_of(InflightDescription{4096, 0, 1, 1})), 1U);
  for (const InflightDescription area : {InflightDescription{0, 0, 0, 256}, {0, 0, 99, 256}, {0, 0, 1, 0}}) {
    EXPECT_EQ(send(Request::GetInflightFd, bytes_of(area)), SessionOutcome::Refused);
    const auto reply = front.reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->fd, -1);
    EXPECT_EQ(reply->payload.size(), 24U);
  }
}

TEST_F(VhostSessionTest, ClosingWaitsForTheDeviceAndLeavesNothing) {
  negotiate_and_set_memory();
  start_ring(0);
  start_ring(1);
  device.pending = 1;
  EXPECT_EQ(session.close(), Status::Pending);
  device.check_descriptors();
  EXPECT_EQ(session.step(), SessionOutcome::HungUp) << "no message is taken any more";
  EXPECT_EQ(session.close(), Status::Ok);
  EXPECT_EQ(device.calls.back(), "set_memory 0");
  EXPECT_EQ(open_descriptors(), descriptors_before + 1) << "the front-end's";
  EXPECT_EQ(session.close(), Status::Ok) << "again";
}

TEST_F(VhostSessionTest, AnotherSessionGoesOnWhereOneWasDropped) {
  negotiate_and_set_memory();
  start_ring(0, 4);
  start_ring(1);
  EXPECT_EQ(enable(1, 0), 0U);
  EXPECT_EQ(ack(Request::SetStatus, bytes_of(std::uint64_t{15})), 0U);
  VhostDevice fresh;
  Session other{state, fresh};
  fresh.pending = 2;
  EXPECT_EQ(other.resume(), Status::Pending);
  EXPECT_EQ(other.resume(), Status::Pending);
  EXPECT_EQ(other.resume(), Status::Ok);
  EXPECT_EQ(fresh.accepted, kFeatureVersion1);
  EXPECT_EQ(fresh.memory.size(), 1U);
  EXPECT_EQ(fresh.device_status, 15);
  EXPECT_TRUE(fresh.rings[0].started && fresh.rings[0].enabled);
  EXPECT_EQ(fresh.rings[0].base, 4U);
  EXPECT_TRUE(fresh.rings[1].started && !fresh.rings[1].enabled);
  fresh.answer = Status::Failed;
  EXPECT_EQ(other.resume(), Status::Failed);
  EXPECT_STREQ(other.error_text().text(), "resuming the connection failed: the device failed");
}

TEST_F(VhostSessionTest, EveryRequestOfTheSpecificationHasAName) {
  for (std::uint32_t i = 1; i < kVhostRequests; ++i) EXPECT_NE(request_rule(i), nullptr) << i;
  EXPECT_EQ(request_rule(0), nullptr);
  EXPECT_EQ(request_rule(kVhostRequests), nullptr);
  EXPECT_EQ(request_rule(~0U), nullptr);
}

}  // namespace
}  // namespace fallow::vhost
