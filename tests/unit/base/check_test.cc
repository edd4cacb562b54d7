#include "fallow/base/check.h"

#include <gtest/gtest.h>

namespace fallow::detail {
namespace {

TEST(Check, PassesOnceAndSilently) {
  int evaluated = 0;
  FALLOW_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckDeathTest, StopsInReleaseBuildsTooAndNamesTheCondition) {
  EXPECT_DEATH(FALLOW_CHECK(2 + 2 == 5), "2 \\+ 2 == 5.*check_test.cc|check_test.cc.*2 \\+ 2 == 5");
}

}  // namespace
}  // namespace fallow::detail
