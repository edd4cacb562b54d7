#include "cli/control/control_answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fake_desk.h"

namespace fallow::cli {
namespace {

using nlohmann::json;

class ControlAnswer : public testing::Test {
 protected:
  ControlAnswer() { house_.guests = {snapshot_of(1), snapshot_of(2)}; }

  json answer(const std::string& line) {
    const std::string text = answer_request(line, desk_, sockets_);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    return json::parse(text);
  }
  std::string error(const std::string& line) {
    const json object = answer(line);
    EXPECT_EQ(object.at("ok"), false);
    return object.at("error");
  }

  FakeHouse house_;
  FakeDesk desk_{house_};
  const std::vector<std::string> sockets_ = {"/run/a.sock"};
};

TEST_F(ControlAnswer, list_tells_all_figures_with_their_units) {
  const json object = answer(R"({"command":"list"})");
  EXPECT_EQ(object.at("ok"), true);
  ASSERT_EQ(object.at("guests").size(), 2U);
  const json guest = object.at("guests").at(0);
  EXPECT_EQ(guest.at("guest"), 1);
  EXPECT_EQ(guest.at("socket"), "/run/a.sock");
  EXPECT_EQ(guest.at("memory_bytes"), 512 << 20);
  EXPECT_EQ(guest.at("resident_bytes"), 100 << 20);
  EXPECT_EQ(guest.at("target_bytes"), 1000 * 4096);
  EXPECT_EQ(guest.at("actual_bytes"), 900 * 4096);
  EXPECT_EQ(guest.at("released_bytes"), 39 << 20);
  EXPECT_EQ(guest.at("restarts"), 2);
  EXPECT_EQ(guest.at("paused"), false);
  EXPECT_EQ(guest.at("refused").at("wraps"), 3);
  EXPECT_EQ(guest.at("refused").size(), kRefusals);
  EXPECT_EQ(guest.at("driver_mistakes").at("kicks"), 5);
  EXPECT_EQ(guest.at("host_calls"), json({{"count", 8}, {"seconds", 1.25}}));
}

TEST_F(ControlAnswer, only_statistics_that_the_guest_gave) {
  const json guest = answer(R"({"command":"statistics","guest":2})").at("guests").at(0);
  EXPECT_EQ(guest.at("guest"), 2);
  EXPECT_EQ(guest.at("statistics"),
            json({{"free_memory_bytes", 4096}, {"major_faults", 11}, {"unknown_tags", 0}, {"updates", 1}}));
}

TEST_F(ControlAnswer, a_socket_without_a_path_is_a_number) {
  EXPECT_EQ(answer(R"({"command":"list"})").at("guests").at(1).at("socket"), "1");
}

TEST_F(ControlAnswer, no_guests_is_an_empty_list) {
  house_.guests.clear();
  EXPECT_EQ(answer(R"({"command":"list"})"), json({{"ok", true}, {"guests", json::array()}}));
}

TEST_F(ControlAnswer, steering_is_passed_on_in_frames) {
  const json done = {{"ok", true}};
  EXPECT_EQ(answer(R"({"command":"target","guest":1,"size":2100000})"), done);
  EXPECT_EQ(answer(R"({"command":"pause","guest":"all"})"), done);
  EXPECT_EQ(answer(R"({"command":"resume","guest":2})"), done);
  EXPECT_EQ(house_.done, (std::vector<std::string>{"target 1 512", "pause 0 1", "pause 2 0"}));
}

TEST_F(ControlAnswer, targets_are_bounded_by_the_guest) {
  house_.guests[1].memory = {std::uint64_t{64} << 20};
  const std::string why =
      "target 100 MiB of guest 2: expected at most its memory, 64 MiB; a part of it is written as 50%";
  EXPECT_EQ(error(R"({"command":"target","guest":2,"size":104857600})"), why);
  EXPECT_EQ(error(R"({"command":"target","guest":"all","size":104857600})"), why);
  EXPECT_TRUE(house_.done.empty()) << "then no target changes";
  house_.guests[1].memory = {};
  EXPECT_EQ(answer(R"({"command":"target","guest":2,"size":104857600})").at("ok"), true)
      << "its front-end has not passed its memory yet";
}

TEST_F(ControlAnswer, a_part_is_of_each_guests_own_memory) {
  house_.guests[1].memory = {std::uint64_t{64} << 20};
  EXPECT_EQ(answer(R"({"command":"target","guest":"all","percent":50})").at("ok"), true);
  EXPECT_EQ(house_.done, (std::vector<std::string>{"target 1 65536", "target 2 8192"}));
}

// The fake guest has 900 frames in its balloon, and says that 4096 bytes are free.
TEST_F(ControlAnswer, a_target_beyond_what_the_guest_can_give_is_a_warning) {
  EXPECT_EQ(answer(R"({"command":"target","guest":1,"size":3690496})"), json({{"ok", true}}));
  EXPECT_EQ(
      answer(R"({"command":"target","guest":1,"size":104857600})"),
      json({{"ok", true}, {"warning", "guest 1 can give about 3.5 MiB now, and its target is 100 MiB"}}));
  auto& statistics = house_.guests[0].statistics;
  statistics.present |= 1U << static_cast<unsigned>(StatTag::MemoryAvailable);
  statistics.value.at(static_cast<std::size_t>(StatTag::MemoryAvailable)) = ~std::uint64_t{0};
  EXPECT_EQ(answer(R"({"command":"target","guest":1,"size":536870912})"), json({{"ok", true}}))
      << "what the guest says may be any number";
  statistics.present = 0;
  EXPECT_EQ(answer(R"({"command":"target","guest":1,"size":104857600})"), json({{"ok", true}}));
}

TEST_F(ControlAnswer, guests_that_there_are_not) {
  const std::string no_nine = "there is no guest 9; 'list' shows the guests";
  EXPECT_EQ(error(R"({"command":"statistics","guest":9})"), no_nine);
  EXPECT_EQ(error(R"({"command":"target","guest":9,"size":0})"), no_nine);
  house_.guests.clear();
  EXPECT_EQ(answer(R"({"command":"pause","guest":"all"})"), json({{"ok", true}}));
}

TEST_F(ControlAnswer, a_server_that_does_not_answer) {
  house_.answers = false;
  const std::string why =
      "a guest did not answer in time and may still do so; 'list' shows whether it is stuck";
  EXPECT_EQ(error(R"({"command":"list"})"), why);
  EXPECT_EQ(error(R"({"command":"pause","guest":1})"), why);
}

TEST_F(ControlAnswer, bytes_that_are_no_text) {
  EXPECT_EQ(refuse_request("\xff\"\n"), R"({"error":"�\"\n","ok":false})");
}

}  // namespace
}  // namespace fallow::cli
