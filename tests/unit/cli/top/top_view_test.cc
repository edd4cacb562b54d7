#include "cli/top/top_view.h"

#include <gtest/gtest.h>

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;
constexpr std::uint64_t kMiB = 1 << 20;

GuestFigures guest(std::uint64_t number, std::uint64_t resident_mib, std::uint64_t balloon_mib = 0) {
  GuestFigures guest;
  guest.guest = number;
  guest.socket = "/run/fallow/guest-" + std::to_string(number) + ".sock";
  guest.connected = guest.ready = true;
  guest.memory = {512 * kMiB};
  guest.resident = {resident_mib * kMiB};
  guest.actual = guest.target = {balloon_mib * kMiB};
  guest.released = {number * kMiB};
  return guest;
}

std::string text_of(const TopLine& line) {
  std::string text;
  for (const TopSpan& span : line) text += span.text;
  return text;
}

std::vector<std::string> texts(const TopView& view, std::size_t columns = 80, std::size_t rows = 24,
                               bool unicode = false) {
  std::vector<std::string> lines;
  for (const TopLine& line : view.draw(columns, rows, unicode)) {
    lines.push_back(text_of(line));
    lines.back().erase(lines.back().find_last_not_of(' ') + 1);
  }
  return lines;
}

TEST(TopView, eighty_columns_and_twenty_four_rows) {
  TopView view("/run/fallow/control");
  for (const unsigned resident : {100U, 400U, 200U}) view.update({guest(1, resident), guest(2, 256, 128)});
  const std::vector<std::string> lines = texts(view);
  ASSERT_EQ(lines.size(), 24U);
  EXPECT_EQ(lines[0], "fallow top - /run/fallow/control");
  EXPECT_EQ(lines[1], "2 guests: 456 MiB resident of 1,024 MiB, 3.0 MiB released so far");
  EXPECT_EQ(lines[2], "GUEST SOCKET      STATE       MEMORY   BALLOON  RESIDENT");
  EXPECT_EQ(lines[3], "    1 ~est-1.sock serving    512 MiB     0 MiB   200 MiB ####......          .#-");
  EXPECT_EQ(lines[4], "    2 ~est-2.sock serving    512 MiB   128 MiB   256 MiB #####..ooo          ###");
  EXPECT_EQ(lines[23], "q quit  up/down guest  left/right sort  p pause  r resume  +/- balloon");
}

TEST(TopView, blocks_where_the_terminal_has_them) {
  TopView view("c");
  view.update({guest(1, 512)});
  EXPECT_NE(texts(view, 80, 24, true)[3].find("██████████"), std::string::npos);
}

TEST(TopView, a_wide_terminal_shows_more) {
  TopView view("c");
  view.update({guest(1, 100)});
  const std::vector<std::string> lines = texts(view, 160);
  EXPECT_NE(lines[2].find("RELEASED"), std::string::npos);
  EXPECT_NE(lines[3].find("/run/fallow/guest-1.sock"), std::string::npos);
}

TEST(TopView, no_line_is_ever_too_long_nor_one_too_many) {
  TopView view("/run/fallow/control");
  std::vector<GuestFigures> guests;
  for (std::uint64_t i = 1; i <= 30; ++i) guests.push_back(guest(i, i));
  view.update(guests);
  for (std::size_t columns = 1; columns < 200; columns += 7)
    for (std::size_t rows = 1; rows < 40; ++rows) {
      const std::vector<TopLine> lines = view.draw(columns, rows, true);
      EXPECT_EQ(lines.size(), rows);
      for (const TopLine& line : lines) {
        std::size_t used = 0;
        for (const TopSpan& span : line) used += span.columns;
        EXPECT_LE(used, columns);
      }
    }
}

TEST(TopView, more_guests_than_rows_scroll_with_the_selection) {
  TopView view("c");
  std::vector<GuestFigures> guests;
  for (std::uint64_t i = 1; i <= 30; ++i) guests.push_back(guest(i, i));
  view.update(guests);
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(view.press(TopKey::Down));
  std::string all;
  for (const std::string& line : texts(view, 80, 10)) all += line + "\n";
  EXPECT_NE(all.find("\n   30 "), std::string::npos);
  EXPECT_EQ(all.find("\n    1 "), std::string::npos);
}

TEST(TopView, sorts_by_each_column) {
  TopView view("c");
  view.update({guest(1, 100, 64), guest(2, 300), guest(3, 200, 32)});
  const auto order = [&] {
    std::string numbers;
    for (std::size_t i = 3; i < 6; ++i) numbers += texts(view)[i].substr(4, 1);
    return numbers;
  };
  EXPECT_EQ(order(), "123");
  view.press(TopKey::SortNext);
  EXPECT_EQ(order(), "231");  // resident
  view.press(TopKey::SortNext);
  EXPECT_EQ(order(), "123");  // memory, which is equal for all
  view.press(TopKey::SortNext);
  EXPECT_EQ(order(), "132");  // balloon
  view.press(TopKey::SortNext);
  EXPECT_EQ(order(), "321");  // released
  view.press(TopKey::SortNext);
  EXPECT_EQ(order(), "123");
  view.press(TopKey::SortBefore);
  EXPECT_EQ(order(), "321");
}

TEST(TopView, keys_steer_the_guest_that_is_selected) {
  TopView view("c");
  view.update({guest(1, 100), guest(2, 100, 64)});
  EXPECT_EQ(view.press(TopKey::Pause), (ControlRequest{.command = Command::Pause, .guest = 1, .size = {}}));
  view.press(TopKey::Down);
  EXPECT_EQ(view.press(TopKey::Resume), (ControlRequest{.command = Command::Resume, .guest = 2, .size = {}}));
  EXPECT_EQ(view.press(TopKey::More),
            (ControlRequest{.command = Command::Target, .guest = 2, .size = {96 * kMiB}}));
  EXPECT_EQ(view.press(TopKey::Less),
            (ControlRequest{.command = Command::Target, .guest = 2, .size = {32 * kMiB}}));
}

TEST(TopView, a_key_that_is_held_down_does_not_end_a_guest) {
  TopView view("c");
  view.update({guest(1, 100, 380)});
  EXPECT_EQ(view.press(TopKey::More)->size.raw, 384 * kMiB);
  view.update({guest(1, 100, 384)});
  EXPECT_FALSE(view.press(TopKey::More));
  view.update({guest(1, 100, 0)});
  EXPECT_FALSE(view.press(TopKey::Less));
}

TEST(TopView, the_selection_stays_with_its_guest_and_goes_with_it) {
  TopView view("c");
  view.update({guest(1, 1), guest(2, 2), guest(3, 3)});
  view.press(TopKey::Down);
  view.update({guest(2, 2), guest(3, 3)});
  EXPECT_EQ(view.press(TopKey::Pause)->guest, 2U);
  view.update({guest(3, 3)});
  EXPECT_EQ(view.press(TopKey::Pause)->guest, 3U);
  view.update({});
  EXPECT_FALSE(view.press(TopKey::Pause));
  EXPECT_FALSE(view.press(TopKey::More));
  EXPECT_FALSE(view.press(TopKey::Up));
  EXPECT_EQ(texts(view)[3], "No guests yet.");
}

TEST(TopView, says_that_the_daemon_is_gone_until_it_is_back) {
  TopView view("c");
  view.update({guest(1, 1)});
  view.lose("the daemon at c has ended");
  EXPECT_EQ(texts(view).back(), "the daemon at c has ended");
  EXPECT_NE(texts(view)[3].find("serving"), std::string::npos);
  view.update({guest(1, 1)});
  EXPECT_EQ(texts(view).back().substr(0, 6), "q quit");
  view.tell("Guest 1: paused");
  EXPECT_EQ(texts(view).back(), "Guest 1: paused");
  view.press(TopKey::Other);
  EXPECT_EQ(texts(view).back().substr(0, 6), "q quit");
}

TEST(TopHistory, the_newest_is_on_the_right_and_the_highest_is_full) {
  TopHistory history;
  for (const unsigned resident : {0U, 1U, 2U, 4U}) history.add(std::vector{guest(1, resident)});
  EXPECT_EQ(history.line(1, 6, false), "  _.-#");
  EXPECT_EQ(history.line(1, 6, true), "  ▁▂▄█");
  EXPECT_EQ(history.line(1, 2, false), "-#");
  EXPECT_EQ(history.line(2, 3, false), "   ");
}

TEST(TopHistory, is_bounded_and_forgets_guests_that_went) {
  TopHistory history;
  for (int i = 0; i < 2000; ++i) history.add(std::vector{guest(1, 4)});
  EXPECT_EQ(history.line(1, 1000, false),
            std::string(1000 - TopHistory::kSamples, ' ') + std::string(TopHistory::kSamples, '#'));
  history.add({});
  EXPECT_EQ(history.line(1, 4, false), "    ");
}

}  // namespace
}  // namespace fallow::cli
