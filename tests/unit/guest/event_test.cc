// Every event is valid JSON, for any content.
#include "guest/kernel/event.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace fallow::guest {
namespace {

std::string line_of(Event& event) {
  const StringRef line = event.line();
  return {line.data(), line.size()};
}
nlohmann::json json_of(Event& event) {
  const std::string line = line_of(event);
  EXPECT_EQ(line.substr(0, 8), "fallow: ");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  return nlohmann::json::parse(line.substr(8));
}

TEST(Event, IsOneLine) {
  EXPECT_EQ(line_of(Event("filled").number("mib", 1200).flag("ok", true).hex("pfn", 0x1fa)),
            "fallow: {\"event\":\"filled\",\"mib\":1200,\"ok\":true,\"pfn\":\"0x1fa\"}\n");
}

TEST(Event, Lists) {
  Event event("boot");
  event.begin_list("zones");
  for (const unsigned first : {1U, 2U}) event.begin_object().number("first", first).end_object();
  event.end_list().number("n", 3);
  EXPECT_EQ(line_of(event), "fallow: {\"event\":\"boot\",\"zones\":[{\"first\":1},{\"first\":2}],\"n\":3}\n");
}

TEST(Event, LargestNumber) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const nlohmann::json json = json_of(Event("e").number("n", kMost).hex("h", kMost));
  EXPECT_EQ(json["n"], kMost);
  EXPECT_EQ(json["h"], "0xffffffffffffffff");
}

TEST(HostileEvent, AnyCharacter) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string said = json_of(Event("e").text("t", StringRef(all)))["t"];
  EXPECT_EQ(said.size(), 256u);
  EXPECT_NE(said.find("\"#$"), std::string::npos);
  EXPECT_NE(said.find("[\\]"), std::string::npos);
}

TEST(HostileEvent, TooMuchIsLeftOut) {
  Event event("e");
  const std::string quotes(1000, '"');
  for (int i = 0; i < 10; ++i) event.text("t" + std::to_string(i), quotes);
  for (int i = 0; i < 100; ++i) event.number("n", 1'000'000'000'000);
  const nlohmann::json json = json_of(event);
  EXPECT_EQ(json["event"], "e");
  EXPECT_EQ(json["t0"].get<std::string>(), std::string(400, '"'));
}

}  // namespace
}  // namespace fallow::guest
