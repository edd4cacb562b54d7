#include "cli/term/terminal.h"

#include <gtest/gtest.h>

namespace fallow::cli {
namespace {

TerminalVariables xterm() {
  return {.term = "xterm", .no_color = "", .columns = "", .lines = "", .locale = "C.UTF-8"};
}

TEST(Terminal, one_that_can_all) {
  const Terminal terminal = describe_terminal(true, xterm(), 100, 40);
  EXPECT_TRUE(terminal.live && terminal.colour && terminal.unicode);
  EXPECT_EQ(terminal.columns, 100u);
  EXPECT_EQ(terminal.rows, 40u);
}

TEST(Terminal, none) {
  const Terminal terminal = describe_terminal(false, xterm(), 0, 0);
  EXPECT_FALSE(terminal.live || terminal.colour);
  EXPECT_TRUE(terminal.unicode);
  EXPECT_EQ(terminal.columns, 80u);
  EXPECT_EQ(terminal.rows, 24u);
}

TEST(Terminal, variables_go_first) {
  TerminalVariables variables = xterm();
  variables.columns = "60";
  variables.lines = "10";
  variables.no_color = "1";
  const Terminal terminal = describe_terminal(true, variables, 100, 40);
  EXPECT_TRUE(terminal.live);
  EXPECT_FALSE(terminal.colour);
  EXPECT_EQ(terminal.columns, 60u);
  EXPECT_EQ(terminal.rows, 10u);
}

TEST(Terminal, variables_that_make_no_sense) {
  for (const char* columns : {"0", "-3", "wide", "99999999999999999999", "1000000"}) {
    TerminalVariables variables = xterm();
    variables.columns = columns;
    EXPECT_EQ(describe_terminal(true, variables, 100, 40).columns, 100u) << columns;
  }
}

TEST(Terminal, dumb_or_unknown_is_not_drawn_over) {
  for (const char* term : {"", "dumb"}) {
    TerminalVariables variables = xterm();
    variables.term = term;
    const Terminal terminal = describe_terminal(true, variables, 100, 40);
    EXPECT_FALSE(terminal.live || terminal.colour) << term;
  }
}

TEST(Terminal, characters) {
  const auto unicode = [](const char* term, const char* locale) {
    TerminalVariables variables = xterm();
    variables.term = term;
    variables.locale = locale;
    return describe_terminal(true, variables, 80, 24).unicode;
  };
  EXPECT_TRUE(unicode("xterm", "de_DE.UTF-8"));
  EXPECT_TRUE(unicode("xterm", "en_US.utf8"));
  EXPECT_TRUE(unicode("xterm", ""));
  EXPECT_FALSE(unicode("xterm", "C"));
  EXPECT_FALSE(unicode("xterm", "de_DE.ISO-8859-1"));
  EXPECT_FALSE(unicode("linux", "C.UTF-8"));
}

}  // namespace
}  // namespace fallow::cli
