#include "cli/ctl/ctl_options.h"

#include <gtest/gtest.h>

#include <array>

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;

CtlWords words(std::vector<std::string> given) {
  CtlWords words;
  const std::array places = {&words.action, &words.guest, &words.size};
  for (std::size_t i = 0; i < given.size(); ++i) *places.at(i) = given[i];
  return words;
}

TEST(CtlOptions, each_action) {
  const std::vector<std::pair<std::vector<std::string>, ControlRequest>> cases = {
      {{"list"}, {}},
      {{"statistics", "3"}, {.command = Command::Statistics, .guest = 3, .size = {}}},
      {{"target", "3", "64M"}, {.command = Command::Target, .guest = 3, .size = {64 << 20}}},
      {{"target", "3", "25%"}, {.command = Command::Target, .guest = 3, .percent = 25}},
      {{"target", "3", "100%"}, {.command = Command::Target, .guest = 3, .percent = 100}},
      {{"target", "all", "0"}, {.command = Command::Target, .guest = 0, .size = {}}},
      {{"pause", "all"}, {.command = Command::Pause, .guest = 0, .size = {}}},
      {{"resume", "12"}, {.command = Command::Resume, .guest = 12, .size = {}}}};
  for (const auto& [given, expected] : cases) {
    std::string error;
    const auto request = interpret(words(given), &error);
    ASSERT_TRUE(request) << error;
    EXPECT_EQ(*request, expected);
  }
}

TEST(CtlOptions, errors_name_the_word_and_what_would_do) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{}, "expected an action: list, statistics GUEST, target GUEST SIZE, pause GUEST or resume GUEST"},
      {{"stop"},
       "unknown action 'stop'; expected list, statistics GUEST, target GUEST SIZE, pause GUEST or resume "
       "GUEST"},
      {{"list", "3"}, "unexpected argument '3' after list"},
      {{"pause", "3", "4"}, "unexpected argument '4' after pause"},
      {{"pause"}, "pause needs a GUEST: a guest's number from 'fallow ctl list', or all"},
      {{"pause", "0"}, "GUEST '0': expected a guest's number from 'fallow ctl list', or all"},
      {{"statistics", "all"}, "GUEST 'all': expected a guest's number from 'fallow ctl list'"},
      {{"lst"}, "unknown action 'lst'; did you mean 'list'?"}};
  const std::string size =
      "expected a size with its unit, from 0 to 16383G, such as 64M or 1.5GiB, or a part of the guest's "
      "memory, "
      "such as 25%; 0 returns all memory";
  for (const char* word : {"-5", "16T", "12", "1.5", "101%", "%", "-1%", "2.5%", "half"}) {
    std::string error;
    EXPECT_FALSE(interpret(words({"target", "1", word}), &error)) << word;
    EXPECT_EQ(error, std::string("SIZE '") + word + "': " + size);
  }
  std::string missing;
  EXPECT_FALSE(interpret(words({"target", "1"}), &missing));
  EXPECT_EQ(missing, "target needs a SIZE: " + size.substr(size.find("a size")));
  for (const auto& [given, expected] : cases) {
    std::string error;
    EXPECT_FALSE(interpret(words(given), &error));
    EXPECT_EQ(error, expected);
  }
}

}  // namespace
}  // namespace fallow::cli
