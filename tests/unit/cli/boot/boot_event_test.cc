#include "cli/boot/boot_event.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/boot/boot_words.h"
#include "cli/process/line_splitter.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

using Kind = SerialLine::Kind;

template <class Event>
Event event_of(const std::string& line) {
  const SerialLine parsed = parse_serial_line(line);
  EXPECT_EQ(parsed.kind, Kind::Event) << line << ": " << parsed.reason;
  const auto* const event = std::get_if<Event>(&parsed.event);
  EXPECT_NE(event, nullptr) << line;
  return event != nullptr ? *event : Event{};
}

std::string reason_of(const std::string& line) {
  const SerialLine parsed = parse_serial_line(line);
  EXPECT_EQ(parsed.kind, Kind::Damaged) << line;
  return parsed.reason;
}

TEST(BootEvent, boot) {
  const auto event = event_of<GuestStarted>(
      R"(fallow: {"event":"boot","loader":"pvh","cpus":2,"memory_kib":2096640,)"
      R"("zones":[{"first_pfn":256,"frames":3840}],"workload":"fill","policy":"aged:100ms"})");
  EXPECT_EQ(event.loader, "pvh");
  EXPECT_EQ(event.cpus, 2U);
  EXPECT_EQ(event.memory_kib, 2096640U);
  EXPECT_EQ(event.workload, "fill");
  EXPECT_EQ(event.policy, "aged:100ms");
}

TEST(BootEvent, device) {
  const auto event = event_of<GuestDevice>(
      R"(fallow: {"event":"device","bus":"pci","place":"00:03.0","interrupts":"intx","features":"0x130000025",)"
      R"("ring":"packed","event_idx":true,"indirect":false,"reporting":true})");
  EXPECT_EQ(event.bus, "pci");
  EXPECT_EQ(event.place, "00:03.0");
  EXPECT_EQ(event.ring, "packed");
  EXPECT_EQ(event.event_index, true);
  EXPECT_EQ(event.indirect, false);
  EXPECT_EQ(event_words(event),
            "the guest found its balloon on pci at 00:03.0, packed ring, event index, no indirect tables");
}

TEST(BootEvent, marks) {
  using Point = GuestMark::Point;
  const std::pair<const char*, Point> marks[] = {
      {"registered", Point::Registered}, {"first_report", Point::FirstReport}, {"filling", Point::Filling},
      {"filled", Point::Filled},         {"freeing", Point::Freeing},          {"freed", Point::Freed}};
  for (const auto& [name, point] : marks) {
    const auto event = event_of<GuestMark>(std::string(R"(fallow: {"event":")") + name + R"(","mib":1200})");
    EXPECT_EQ(event.point, point);
    EXPECT_EQ(event.mib, 1200U);
  }
  EXPECT_FALSE(event_of<GuestMark>(R"(fallow: {"event":"freed"})").mib);
}

TEST(BootEvent, sample) {
  const auto event = event_of<boot::GuestFigures>(
      R"(fallow: {"event":"sample","ms":1234,"used_kib":1,"free_kib":2,"reported_kib":3,"requests":4})");
  EXPECT_EQ(event.used_kib, 1U);
  EXPECT_EQ(event.free_kib, 2U);
  EXPECT_EQ(event.reported_kib, 3U);
  EXPECT_EQ(event.requests, 4U);
}

TEST(BootEvent, verdict) {
  const auto event = event_of<GuestVerdict>(
      R"(fallow: {"event":"verdict","verdict":"ok","requests":9,"reported_mib":1900,"corrupted_frames":0,)"
      R"("zone_check":"ok"})");
  EXPECT_EQ(event.verdict, "ok");
  EXPECT_EQ(event.requests, 9U);
  EXPECT_EQ(event.corrupted_frames, 0U);
  EXPECT_EQ(event.zone_check, "ok");
  EXPECT_FALSE(event.rebinds);
  EXPECT_EQ(event_of<GuestVerdict>(R"(fallow: {"event":"verdict","verdict":"no"})").verdict, "no");
}

TEST(BootEvent, panic) {
  const auto event =
      event_of<GuestPanic>(R"(fallow: {"event":"panic","what":"page fault","rip":"0x10","address":"0x8"})");
  EXPECT_EQ(event.what, "page fault");
  EXPECT_EQ(event.rip, "0x10");
  EXPECT_EQ(event.address, "0x8");
}

TEST(BootEvent, lines_end_as_serial_lines_do) {
  event_of<GuestMark>("fallow: {\"event\":\"freed\"}\r");
  event_of<GuestMark>("\rfallow: {\"event\":\"freed\"} \r\r");
}

TEST(BootEvent, lines_for_people) {
  for (const char* line : {"", "\r", "SeaBIOS", "fallow", "fallow:", "fallow:{}", " fallow: {}", "Fallow: {}",
                           "he said fallow: {\"event\":\"freed\"}"})
    EXPECT_EQ(parse_serial_line(line).kind, Kind::Text) << line;
}

TEST(BootEvent, events_of_another_version) {
  for (const char* line : {R"(fallow: {"event":"rebound","at":-1})", R"(fallow: {"event":""})"})
    EXPECT_EQ(parse_serial_line(line).kind, Kind::Unknown) << line;
}

TEST(HostileSerialLine, no_json) {
  for (const char* line : {"fallow: ", "fallow: {", "fallow: {\"event\":\"fre", "fallow: []", "fallow: null",
                           "fallow: {\"event\":\"freed\"} {}", "fallow: {\"event\":\"freed\",}",
                           "fallow: {\"event\":\"\x80\xff\"}", "fallow: \x1b[31m"})
    EXPECT_EQ(reason_of(line), "it is not a JSON object") << line;
  EXPECT_EQ(reason_of(std::string("fallow: {\"event\":\"a\0b\"}", 23)), "it is not a JSON object");
}

TEST(HostileSerialLine, no_name) {
  EXPECT_EQ(reason_of("fallow: {}"), "'event' is not there");
  EXPECT_EQ(reason_of("fallow: {\"event\":3}"), "'event' is not a text");
  EXPECT_EQ(reason_of("fallow: {\"event\":{\"event\":\"freed\"}}"), "'event' is not a text");
}

TEST(HostileSerialLine, wrong_types) {
  EXPECT_EQ(reason_of(R"(fallow: {"event":"boot","cpus":"two"})"),
            "'cpus' is not a whole number from 0 to 2^53");
  EXPECT_EQ(reason_of(R"(fallow: {"event":"boot","loader":7})"), "'loader' is not a text");
  EXPECT_EQ(reason_of(R"(fallow: {"event":"device","event_idx":1})"), "'event_idx' is not true or false");
  for (const char* number :
       {"-1", "1.5", "1e3", "null", "[1]", "true", "9007199254740993", "18446744073709551616", "1e999"})
    EXPECT_EQ(reason_of(std::string(R"(fallow: {"event":"filled","mib":)") + number + "}").substr(0, 12),
              number == std::string("1e999") ? "it is not a " : "'mib' is not")
        << number;
}

TEST(HostileSerialLine, missing_fields) {
  EXPECT_EQ(reason_of(R"(fallow: {"event":"verdict","requests":1})"), "'verdict' is not there");
  EXPECT_EQ(reason_of(R"(fallow: {"event":"sample","free_kib":1})"), "'used_kib' is not there");
  EXPECT_EQ(reason_of(R"(fallow: {"event":"sample","used_kib":1})"), "'free_kib' is not there");
}

TEST(HostileSerialLine, huge_and_deep) {
  constexpr std::size_t kHuge = std::size_t{1} << 20;
  EXPECT_EQ(reason_of("fallow: " + std::string(kHuge, '[')), "it is not a JSON object");
  EXPECT_EQ(reason_of("fallow: " + std::string(kHuge, '{')), "it is not a JSON object");
  const std::string deep = std::string(kHuge, '[') + std::string(kHuge, ']');
  EXPECT_EQ(parse_serial_line(R"(fallow: {"event":"boot","zones":)" + deep + "}").kind, Kind::Event);
  EXPECT_EQ(
      event_of<GuestVerdict>(R"(fallow: {"event":"verdict","verdict":")" + std::string(kHuge, 'x') + "\"}")
          .verdict.size(),
      kHuge);
}

TEST(HostileSerialLine, nothing_reaches_the_terminal_as_it_is) {
  EXPECT_EQ(printable("a\tb\x1b[2J\x7f\x80\n"), "a b\\x1b[2J\\x7f\\x80\\x0a");
  const auto event = event_of<GuestPanic>("fallow: {\"event\":\"panic\",\"what\":\"\\u001b[2J\"}");
  EXPECT_EQ(event_words(event), "the guest panicked: \\x1b[2J");
}

std::vector<std::string> lines_of(const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  LineSplitter splitter;
  const auto take = [&](std::string_view line) { lines.emplace_back(line); };
  for (const std::string& piece : pieces) splitter.add(piece, take);
  splitter.finish(take);
  return lines;
}

TEST(LineSplitter, pieces_of_any_size) {
  const std::vector<std::string> expected = {"one", "", "two", "three"};
  EXPECT_EQ(lines_of({"one\n\ntwo\nthree"}), expected);
  EXPECT_EQ(lines_of({"o", "ne", "\n", "\n", "two\nth", "", "ree"}), expected);
  EXPECT_TRUE(lines_of({}).empty());
}

TEST(LineSplitter, the_rest_of_a_huge_line_is_dropped) {
  const std::vector<std::string> lines =
      lines_of({std::string(LineSplitter::kLongest, 'x') + "y", std::string(1 << 20, 'y') + "\nnext\n"});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], std::string(LineSplitter::kLongest, 'x'));
  EXPECT_EQ(lines[1], "next");
}

}  // namespace
}  // namespace fallow::cli
