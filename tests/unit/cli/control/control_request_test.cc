#include "cli/control/control_request.h"

#include <gtest/gtest.h>

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;

std::string error_of(std::string_view line) {
  std::string error;
  EXPECT_FALSE(read_request(line, &error)) << line;
  return error;
}

TEST(ControlRequest, what_is_written_is_read) {
  for (const ControlRequest& request :
       {ControlRequest{}, ControlRequest{.command = Command::Statistics, .guest = 3, .size = {}},
        ControlRequest{.command = Command::Target, .guest = 2, .size = {4096}},
        ControlRequest{.command = Command::Target, .guest = 0, .size = ControlRequest::kMostTarget},
        ControlRequest{.command = Command::Target, .guest = 2, .percent = 40},
        ControlRequest{.command = Command::Pause, .guest = 0, .size = {}},
        ControlRequest{.command = Command::Resume, .guest = 18446744073709551615U, .size = {}}}) {
    std::string error;
    const auto read = read_request(write_request(request), &error);
    ASSERT_TRUE(read) << error;
    EXPECT_EQ(*read, request);
  }
}

TEST(ControlRequest, lines_as_documented) {
  EXPECT_EQ(write_request({}), R"({"command":"list"})");
  EXPECT_EQ(write_request({.command = Command::Pause, .guest = 0, .size = {}}),
            R"({"command":"pause","guest":"all"})");
  EXPECT_EQ(write_request({.command = Command::Target, .guest = 1, .size = {64}}),
            R"({"command":"target","guest":1,"size":64})");
}

TEST(HostileControl, what_is_no_object) {
  for (const char* line : {"", "list", "[]", "7", "{", "{}}", "\xff\xfe", "null", "\"list\""})
    EXPECT_EQ(error_of(line), R"(expected one JSON object a line, such as {"command":"list"})");
}

TEST(HostileControl, nesting_without_end) {
  error_of(std::string(4096, '['));
  error_of(R"({"command":)" + std::string(4000, '{'));
}

TEST(HostileControl, commands_that_there_are_not) {
  for (const char* line :
       {"{}", R"({"command":7})", R"({"command":"stop"})", R"({"command":null})", R"({"command":["list"]})"})
    EXPECT_EQ(error_of(line), R"("command": expected "list", "statistics", "target", "pause" or "resume")");
}

TEST(HostileControl, guests_that_cannot_be) {
  for (const char* guest :
       {"0", "-1", "1.5", "1e3", "18446744073709551616", "\"1\"", "\"ALL\"", "null", "[1]"})
    EXPECT_EQ(error_of(std::string(R"({"command":"pause","guest":)") + guest + "}"),
              R"("guest": expected a guest's number, from 1 on, or "all")");
  EXPECT_EQ(error_of(R"({"command":"statistics","guest":"all"})"),
            R"("guest": expected a guest's number, from 1 on)");
}

TEST(HostileControl, sizes_that_cannot_be) {
  for (const char* size : {"-1", "0.5", "\"64M\"", "17592186040321", "18446744073709551616", "null"})
    EXPECT_EQ(error_of(std::string(R"({"command":"target","guest":1,"size":)") + size + "}"),
              R"("size": expected bytes, a whole number from 0 to 17592186040320)");
  EXPECT_EQ(error_of(R"({"command":"target","guest":1})"),
            R"("size": expected bytes, a whole number from 0 to 17592186040320)");
}

TEST(HostileControl, parts_that_cannot_be) {
  for (const char* part : {"-1", "0.5", "\"25%\"", "101", "4294967300", "null", "5,\"size\":1"})
    EXPECT_EQ(error_of(std::string(R"({"command":"target","guest":1,"percent":)") + part + "}"),
              R"("percent": expected a whole number from 0 to 100, and no "size")");
}

}  // namespace
}  // namespace fallow::cli
