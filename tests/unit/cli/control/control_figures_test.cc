#include "cli/control/control_figures.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/control/control_answer.h"
#include "tests/support/fake_desk.h"

namespace fallow::cli {
namespace {

TEST(ControlFigures, what_a_daemon_says_is_understood) {
  FakeHouse house;
  house.guests = {snapshot_of(1)};
  FakeDesk desk(house);
  const auto answer = nlohmann::json::parse(answer_request(R"({"command":"list"})", desk, {}));
  const GuestFigures figures = read_figures(answer.at("guests").at(0));
  EXPECT_EQ(figures.guest, 1U);
  EXPECT_EQ(figures.socket, "0");
  EXPECT_STREQ(figures.state(), "serving");
  EXPECT_EQ(figures.memory.raw, 512U << 20);
  EXPECT_EQ(figures.target.raw, 1000U * 4096);
  EXPECT_EQ(figures.actual.raw, 900U * 4096);
  EXPECT_EQ(figures.requests, 7U);
  EXPECT_EQ(figures.entries, 70U);
  EXPECT_EQ(figures.restarts, 2U);
  EXPECT_EQ(figures.calls, 8U);
  EXPECT_DOUBLE_EQ(figures.call_seconds, 1.25);
  EXPECT_EQ(figures.refused, 3U);
  EXPECT_EQ(figures.refusals.size(), 1U);
  EXPECT_EQ(figures.mistakes.size(), 1U);
  EXPECT_EQ(figures.statistics.size(), 4U);
}

TEST(ControlFigures, states) {
  GuestFigures guest;
  EXPECT_STREQ(guest.state(), "gone");
  guest.connected = true;
  EXPECT_STREQ(guest.state(), "starting");
  guest.ready = true;
  EXPECT_STREQ(guest.state(), "serving");
  guest.paused = true;
  EXPECT_STREQ(guest.state(), "paused");
}

TEST(HostileFigures, members_of_other_types) {
  for (const char* text : {"null", "7", "[]", "{}", R"({"guest":-1,"socket":7,"connected":"yes"})",
                           R"({"refused":[1],"statistics":7,"host_calls":{"seconds":"1"}})"}) {
    const GuestFigures figures = read_figures(nlohmann::json::parse(text));
    EXPECT_EQ(figures.guest, 0U);
    EXPECT_FALSE(figures.connected);
    EXPECT_TRUE(figures.refusals.empty());
  }
}

}  // namespace
}  // namespace fallow::cli
