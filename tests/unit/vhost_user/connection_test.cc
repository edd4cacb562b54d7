// Messages as byte streams: split, damaged, with too many descriptors, and truncated.
#include <cinttypes>

#include "tests/unit/vhost_user/rig.h"

namespace fallow::vhost {
namespace {

using Request = Request;

class VhostConnectionTest : public VhostRig {
 protected:
  void raw(const Header& header, std::vector<int> fds = {}) {
    EXPECT_TRUE(front.send_bytes(std::as_bytes(std::span(&header, 1)), std::move(fds)));
  }
  void expect_broken(const char* text) {
    EXPECT_EQ(run(), SessionOutcome::Broken);
    EXPECT_NE(said.find(text), std::string::npos) << said;
    EXPECT_EQ(run(), SessionOutcome::Broken) << "it does not go on";
  }
};
class VhostHostileMessage : public VhostConnectionTest {};
class VhostDescriptors : public VhostConnectionTest {};
class VhostDisconnect : public VhostConnectionTest {};

TEST_F(VhostConnectionTest, OneByteAtATime) {
  const auto message = VhostFrontEnd::message(static_cast<std::uint32_t>(Request::SetMemTable),
                                              bytes_of(MemTable{1, 0}, region(), Region{}), kVhostVersion);
  ASSERT_EQ(message.size(), 84U);
  for (std::size_t i = 0; i < message.size(); ++i) {
    EXPECT_EQ(session.step(), SessionOutcome::Idle);
    // The descriptor may arrive with any of the bytes.
    const auto fds = i == 40 ? std::vector<int>{VhostFrontEnd::memory()} : std::vector<int>{};
    ASSERT_TRUE(front.send_bytes(std::span(message).subspan(i, 1), fds));
  }
  EXPECT_EQ(session.step(), SessionOutcome::Done);
  EXPECT_EQ(device.memory.size(), 1U);
  EXPECT_EQ(session.request(), 5U);
}

TEST_F(VhostConnectionTest, SeveralMessagesAtOnceAreTakenOneByOne) {
  auto both = VhostFrontEnd::message(1, {}, kVhostVersion);
  const auto second = VhostFrontEnd::message(15, {}, kVhostVersion);
  append(both, second.data(), second.size());
  ASSERT_TRUE(front.send_bytes(both));
  EXPECT_EQ(session.step(), SessionOutcome::Done);
  EXPECT_EQ(front.reply()->header.request, 1U);
  EXPECT_EQ(session.step(), SessionOutcome::Done);
  EXPECT_EQ(front.reply()->header.request, 15U);
  EXPECT_EQ(session.step(), SessionOutcome::Idle);
}

TEST_F(VhostHostileMessage, Version) {
  raw({1, 2, 0});
  expect_broken("protocol version 2");
}
TEST_F(VhostHostileMessage, VersionZero) {
  raw({1, 0, 0});
  expect_broken("protocol version 0");
}
TEST_F(VhostHostileMessage, ReplyBit) {
  raw({1, 5, 0});
  expect_broken("a reply");
}
TEST_F(VhostHostileMessage, SizeHundred) {
  raw({1, 1, 100});
  expect_broken("GET_FEATURES (1): payload of 100 bytes");
}
TEST_F(VhostHostileMessage, SizeTwoGiB) {
  raw({5, 1, 1U << 31});
  expect_broken("payload of 2147483648 bytes");
}
TEST_F(VhostHostileMessage, SizeAllOnes) {
  raw({0xffffffff, 1, 0xffffffff});
  expect_broken("an unknown request (4294967295): payload of 4294967295 bytes");
}
TEST_F(VhostHostileMessage, SizeZeroWhereThereMustBeSome) {
  raw({2, 1, 0});
  expect_broken("SET_FEATURES (2): payload of 0 bytes");
}
TEST_F(VhostHostileMessage, EverySizeOfEveryRequestIsEitherReadOrRefusedAtTheHeader) {
  negotiate_and_set_memory();
  for (std::uint32_t request = 0; request < kVhostRequests + 2; ++request) {
    for (const std::uint32_t size : {0U, 1U, 7U, 8U, 9U, 12U, 20U, 39U, 40U, 41U, 100U, kVhostMaxPayload}) {
      // Each case uses its own connection.
      VhostFrontEnd peer;
      VhostDevice own;
      State fresh;
      begin_connection(fresh, peer.take_other());
      Session one{fresh, own};
      ASSERT_TRUE(peer.send_bytes(VhostFrontEnd::message(request, Bytes(size), kVhostVersion)));
      const SessionOutcome outcome = one.step();
      EXPECT_NE(outcome, SessionOutcome::Idle) << request << " " << size;
      EXPECT_TRUE(outcome == SessionOutcome::Done || !one.error_text().empty()) << request << " " << size;
      EXPECT_EQ(one.close(), Status::Ok);
    }
  }
}

TEST_F(VhostDescriptors, OnAMessageThatTakesNone) {
  raw({1, 1, 0}, {VhostFrontEnd::event()});
  expect_broken("GET_FEATURES: 1 descriptors came with the message; none is allowed");
}
TEST_F(VhostDescriptors, OnAMessageThatIsNotKnownAreClosed) {
  EXPECT_EQ(send(Request{99}, {}, {VhostFrontEnd::event(), VhostFrontEnd::event()}), SessionOutcome::Refused);
  EXPECT_EQ(open_descriptors(), descriptors_before + 2);  // the two ends of the connection
}
TEST_F(VhostDescriptors, MoreThanAnyMessageTakes) {
  std::vector<int> fds;
  for (std::uint32_t i = 0; i < kVhostMaxRegions + 1; ++i) fds.push_back(VhostFrontEnd::event());
  raw({5, 1, 8}, std::move(fds));
  expect_broken("descriptors of a message were lost");
}
TEST_F(VhostDescriptors, MoreThanAnyMessageTakesInPieces) {
  const auto header = bytes_of(Header{5, 1, 8});
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<int> fds;
    for (int n = 0; n < 40; ++n) fds.push_back(VhostFrontEnd::event());
    ASSERT_TRUE(front.send_bytes(std::span(header).subspan(i, 1), std::move(fds)));
  }
  expect_broken("a message has more than the allowed 64 descriptors");
}

TEST_F(VhostDisconnect, BetweenMessages) {
  front.hang_up();
  EXPECT_EQ(run(), SessionOutcome::HungUp);
}
TEST_F(VhostDisconnect, InTheHeader) {
  ASSERT_TRUE(front.send_bytes(Bytes(5)));
  front.hang_up();
  expect_broken("closed the connection in the middle of a message, after 5 of 12 bytes of the header");
}
TEST_F(VhostDisconnect, InThePayload) {
  raw({2, 1, 8});
  front.hang_up();
  expect_broken("after 12 of 20 bytes of SET_FEATURES");
}
TEST_F(VhostDisconnect, WithDescriptorsOfAMessageThatIsNotWhole) {
  raw({12, 1, 8}, {VhostFrontEnd::event()});
  front.hang_up();
  expect_broken("after 12 of 20 bytes of SET_VRING_KICK");
}
TEST_F(VhostDisconnect, WithRepliesThatNobodyRead) {
  ASSERT_TRUE(front.send(Request::GetFeatures));
  EXPECT_EQ(run(), SessionOutcome::Done);
  front.hang_up();
  EXPECT_EQ(run(), SessionOutcome::HungUp);
}
TEST_F(VhostDisconnect, AFrontEndThatReadsNoRepliesIsNotWaitedFor) {
  SessionOutcome outcome = SessionOutcome::Done;
  for (int i = 0; i < 100'000 && outcome == SessionOutcome::Done; ++i) {
    ASSERT_TRUE(front.send(Request::GetFeatures));
    outcome = session.step();
  }
  EXPECT_EQ(outcome, SessionOutcome::Broken);
  EXPECT_STREQ(session.error_text().text(),
               "GET_FEATURES: the reply could not be sent: the front-end does not read its replies");
}
TEST_F(VhostDisconnect, BeforeTheReply) {
  ASSERT_TRUE(front.send(Request::GetFeatures));
  front.hang_up();
  EXPECT_EQ(run(), SessionOutcome::Broken);
  EXPECT_EQ(said, "GET_FEATURES: the reply could not be sent: Broken pipe");
}

}  // namespace
}  // namespace fallow::vhost
