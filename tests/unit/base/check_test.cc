#include "fallow/base/check.h"

#include <gtest/gtest.h>

#include "fallow/base/callback.h"

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

TEST(CheckDeathTest, ABrokenRequirementStopsWithItsInstruction) {
  int evaluated = 0;
  FALLOW_REQUIRE(++evaluated == 1, "not used");
  EXPECT_EQ(evaluated, 1);
  EXPECT_DEATH(FALLOW_REQUIRE(evaluated == 2, "Thing(): too many; make fewer"),
               "check_test.cc.*Thing\\(\\): too many; make fewer");
}

TEST(CallbackDeathTest, AnEmptyCallbackStopsWithAnInstruction) {
  const Callback<void()> empty;
  EXPECT_FALSE(empty);
  EXPECT_DEATH(empty(), "the callback is empty");
}

}  // namespace
}  // namespace fallow::detail
