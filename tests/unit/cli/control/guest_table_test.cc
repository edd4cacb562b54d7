#include "cli/control/guest_table.h"

#include <gtest/gtest.h>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

using Command = ControlRequest::Command;

GuestFigures guest() {
  GuestFigures guest;
  guest.guest = 1;
  guest.socket = "/run/a.sock";
  guest.connected = guest.ready = true;
  guest.memory = {std::uint64_t{512} << 20};
  guest.resident = {std::uint64_t{100} << 20};
  guest.target = guest.actual = {std::uint64_t{64} << 20};
  guest.released = {std::uint64_t{1} << 30};
  guest.inflate_released = {std::uint64_t{64} << 20};
  guest.refused = 2;
  guest.refusals = {{"outside_memory", 2}};
  guest.mistakes = {{"kicks", 1}};
  guest.statistics = {{"free_memory_bytes", 8192}, {"major_faults", 1200}};
  guest.calls = 3;
  guest.call_seconds = 0.5;
  return guest;
}

TEST(CtlTable, a_line_for_each_guest) {
  const std::vector guests = {guest()};
  EXPECT_EQ(guest_table(guests),
            "GUEST  SOCKET       STATE        MEMORY   RESIDENT    BALLOON     TARGET   RELEASED\n"
            "    1  /run/a.sock  serving     512 MiB    100 MiB     64 MiB     64 MiB  1,088 MiB\n");
  EXPECT_EQ(guest_table({}), "No guests.\n");
}

TEST(CtlTable, a_sheet_for_one) {
  EXPECT_EQ(guest_sheet(guest()),
            "Guest 1, serving, on /run/a.sock\n"
            "memory                           512 MiB\n"
            "resident                         100 MiB\n"
            "in the balloon                    64 MiB\n"
            "balloon target                    64 MiB\n"
            "reported                           0 MiB\n"
            "released by reports            1,024 MiB\n"
            "released by the balloon           64 MiB\n"
            "requests                               0\n"
            "entries in requests                    0\n"
            "requests while paused                  0\n"
            "host calls                             3\n"
            "time in host calls                0.50 s\n"
            "workers that died                      0\n"
            "refused                                2\n"
            "  outside memory                       2\n"
            "errors of the driver\n"
            "  kicks                                1\n"
            "statistics from the guest\n"
            "  free memory                      8 KiB\n"
            "  major faults                     1,200\n");
}

TEST(CtlTable, what_was_done) {
  EXPECT_EQ(confirmation({.command = Command::Target, .guest = 2, .size = {64 << 20}}),
            "Guest 2: the balloon's target is 64 MiB.\n");
  EXPECT_EQ(confirmation({.command = Command::Pause, .guest = 0, .size = {}}),
            "All guests: paused; reported memory is not released.\n");
}

TEST(HostileTable, a_path_that_would_steer_the_terminal) {
  EXPECT_EQ(printable_columns("a\x1b[2J\xff"), "a?[2J?");
}

}  // namespace
}  // namespace fallow::cli
