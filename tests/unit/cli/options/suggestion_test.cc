#include "cli/options/suggestion.h"

#include <gtest/gtest.h>

#include <vector>

#include "cli/options/size_unit.h"

namespace fallow::cli {
namespace {

const std::vector<std::string> kVerbs = {"replay", "boot", "serve", "ctl", "top"};

TEST(Suggestion, a_word_that_resembles) {
  EXPECT_EQ(suggestion("relay", kVerbs), "; did you mean 'replay'?");
  EXPECT_EQ(suggestion("sevre", kVerbs), "; did you mean 'serve'?") << "neighbours swapped";
  EXPECT_EQ(suggestion("boots", kVerbs), "; did you mean 'boot'?");
  EXPECT_EQ(suggestion("tpo", kVerbs), "; did you mean 'top'?");
}

TEST(Suggestion, none_that_resembles) {
  EXPECT_EQ(suggestion("inflate", kVerbs), "");
  EXPECT_EQ(suggestion("", kVerbs), "");
  EXPECT_EQ(suggestion("x", kVerbs), "");
  EXPECT_EQ(suggestion("replay", {}), "");
  EXPECT_EQ(suggestion(std::string(100'000, 'x'), kVerbs), "");
}

TEST(Suggestion, of_equals_the_first) {
  const std::vector<std::string> equal = {"bat", "cat"};
  EXPECT_EQ(suggestion("rat", equal), "; did you mean 'bat'?");
}

TEST(SizeUnit, only_zero_needs_none) {
  EXPECT_EQ(parse_size_with_unit("0"), ByteCount{0});
  EXPECT_EQ(parse_size_with_unit("0.0"), ByteCount{0});
  EXPECT_EQ(parse_size_with_unit("12"), std::nullopt);
  EXPECT_EQ(parse_size_with_unit("1.5"), std::nullopt);
  EXPECT_EQ(parse_size_with_unit("12B"), ByteCount{12});
  EXPECT_EQ(parse_size_with_unit("12m"), ByteCount{12 << 20});
  EXPECT_EQ(parse_size_with_unit(""), std::nullopt);
  EXPECT_EQ(parse_size_with_unit("M"), std::nullopt);
}

}  // namespace
}  // namespace fallow::cli
