#include "guest/x86/words.h"

#include <gtest/gtest.h>

namespace fallow::guest::x86 {
namespace {

TEST(HasWord, WholeWordsAlone) {
  EXPECT_TRUE(has_word("exit=debug", "exit=debug"));
  EXPECT_TRUE(has_word("seed=3  exit=debug ", "exit=debug"));
  for (const char* other : {"", " ", "exit=debugger", "xexit=debug", "exit= debug", "exit=debu"})
    EXPECT_FALSE(has_word(other, "exit=debug")) << other;
}

TEST(HasWord, BetweenAnyBlanks) {
  EXPECT_TRUE(has_word("seed=3\texit=debug\r\npolicy=none", "exit=debug"));
  EXPECT_TRUE(has_word("\nexit=debug", "exit=debug"));
}

}  // namespace
}  // namespace fallow::guest::x86
