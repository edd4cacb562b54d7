#include "cli/control/control_server.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/control/control_client.h"
#include "tests/support/control_socket.h"
#include "tests/support/fake_desk.h"

namespace fallow::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ControlServerTest : public testing::Test {
 protected:
  ControlServerTest() { house_.guests = {snapshot_of(1)}; }

  void start(RequestLimits limits = {}) {
    auto made = serve_control(listening_.file(), std::make_unique<FakeDesk>(house_), {"a"}, limits);
    ASSERT_TRUE(made) << made.error;
    server_ = std::move(made.object);
  }

  FakeHouse house_;
  ListeningPath listening_;
  std::unique_ptr<RequestServer> server_;
};

constexpr const char* kList = "{\"command\":\"list\"}\n";

bool is_list(const std::string& line) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  return object.is_object() && object.value("ok", false) && object.contains("guests");
}

TEST_F(ControlServerTest, a_client_of_ours) {
  start();
  const auto client = ControlClient::connect(listening_.path());
  ASSERT_TRUE(client) << client.error;
  std::string error;
  for (int i = 0; i < 3; ++i) {
    const auto reply = client.object->ask({}, &error);
    ASSERT_TRUE(reply) << error;
    ASSERT_EQ(reply->guests.size(), 1U);
    EXPECT_EQ(reply->guests[0].socket, "a");
    EXPECT_EQ(reply->guests[0].resident.raw, 100U << 20);
  }
  const auto refused =
      client.object->ask({.command = ControlRequest::Command::Pause, .guest = 7, .size = {}}, &error);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->ok);
  EXPECT_EQ(refused->error, "there is no guest 7; 'list' shows the guests");
}

TEST_F(ControlServerTest, several_requests_at_once_are_answered_in_their_order) {
  start();
  RawClient client(listening_.path());
  client.say(std::string(kList) + "nonsense\n" + kList);
  EXPECT_TRUE(is_list(client.hear()));
  EXPECT_NE(client.hear().find("\"ok\":false"), std::string::npos);
  EXPECT_TRUE(is_list(client.hear()));
}

TEST_F(ControlServerTest, a_last_line_without_its_end_and_then_the_end) {
  start();
  RawClient client(listening_.path());
  client.say(R"({"command":"list"})");
  client.end_of_words();
  EXPECT_TRUE(is_list(client.hear()));
  EXPECT_TRUE(client.closed());
}

TEST_F(ControlServerTest, answers_longer_than_a_socket_holds) {
  for (std::uint64_t i = 2; i <= 256; ++i) house_.guests.push_back(snapshot_of(i));
  start();
  RawClient client(listening_.path());
  for (int i = 0; i < 4; ++i) client.say(kList);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(is_list(client.hear()));
}

TEST_F(ControlServerTest, ends_while_clients_are_connected) {
  start();
  RawClient client(listening_.path());
  client.say(kList);
  EXPECT_TRUE(is_list(client.hear()));
  server_.reset();
  EXPECT_TRUE(client.closed());
}

TEST_F(ControlServerTest, a_socket_that_is_none) {
  const auto made = serve_control(-1, std::make_unique<FakeDesk>(house_));
  EXPECT_FALSE(made);
  EXPECT_EQ(made.error.find("setting up the control socket failed: fcntl: Bad file descriptor"), 0U)
      << made.error;
}

using HostileControlServer = ControlServerTest;

TEST_F(HostileControlServer, a_line_without_end) {
  start();
  RawClient client(listening_.path());
  client.say(std::string(5000, 'x'));
  EXPECT_NE(client.hear().find("a request has at most 4096 bytes"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST_F(HostileControlServer, a_writer_of_one_byte_a_while) {
  start({.bytes = 4096, .connections = 16, .idle = seconds(60), .slow = milliseconds(100)});
  RawClient slow(listening_.path());
  for (int i = 0; i < 40 && slow.say(" "); ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_TRUE(slow.closed());
}

TEST_F(HostileControlServer, a_reader_that_does_not_read) {
  for (std::uint64_t i = 2; i <= 256; ++i) house_.guests.push_back(snapshot_of(i));
  start({.bytes = 4096, .connections = 16, .idle = seconds(60), .slow = milliseconds(200)});
  RawClient deaf(listening_.path());
  for (int i = 0; i < 50; ++i) deaf.say(kList);
  RawClient other(listening_.path());
  for (int i = 0; i < 10; ++i) {
    other.say(kList);
    EXPECT_TRUE(is_list(other.hear()));
  }
  std::this_thread::sleep_for(milliseconds(400));
  EXPECT_FALSE(deaf.say(kList));
}

TEST_F(HostileControlServer, three_hundred_connections_at_once) {
  start();
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (int i = 0; i < 300; ++i) crowd.push_back(std::make_unique<RawClient>(listening_.path()));
  // Each new connection replaced the one that had been idle longest.
  RawClient client(listening_.path());
  client.say(kList);
  EXPECT_TRUE(is_list(client.hear()));
  EXPECT_TRUE(crowd.front()->closed());
}

TEST_F(HostileControlServer, nobody_stays_for_ever) {
  start({.bytes = 4096, .connections = 16, .idle = milliseconds(50), .slow = seconds(5)});
  RawClient idle(listening_.path());
  EXPECT_TRUE(idle.closed());
}

TEST(ControlClientTest, says_what_is_wrong_and_what_helps) {
  EXPECT_EQ(ControlClient::connect("/nonexistent/control").error,
            "no daemon answers at /nonexistent/control: there is no such socket; expected the --control of "
            "'fallow serve', or its first --socket with .ctl appended");
  ListeningPath left_behind;
  left_behind.close_file();
  EXPECT_EQ(ControlClient::connect(left_behind.path()).error,
            "no daemon answers at " + left_behind.path() +
                ": no process listens on this socket; a daemon left it behind");
  EXPECT_NE(ControlClient::connect(std::string(200, 'x')).error.find("the path of a socket has at most 107"),
            std::string::npos);
}

}  // namespace
}  // namespace fallow::cli
