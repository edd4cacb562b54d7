// Runs all schedules of every scenario with two preemptions: sequentially consistent, and in the weak model
// with one stale read. `make explore` searches further.
#include <gtest/gtest.h>

#include "tests/explore/engine/search.h"

namespace fallow::explore {
namespace {

class Explore : public testing::TestWithParam<Scenario> {
 protected:
  void expect_no_failure(const Limits& limits) {
    const Findings found = search_all(GetParam(), limits);
    EXPECT_TRUE(found.complete || found.failed);
    EXPECT_FALSE(found.failed) << found.what << "\n  build/dev/tests/explore/explore --scenario "
                               << GetParam().name << " --bound " << limits.preemptions
                               << (limits.weak ? " --weak" : "") << " --stale " << limits.stale_reads
                               << " --replay '" << to_text(found.choices) << "'";
    RecordProperty("schedules", std::to_string(found.schedules));
  }
};

TEST_P(Explore, SequentiallyConsistent) { expect_no_failure({.preemptions = 2}); }
TEST_P(Explore, Weak) { expect_no_failure({.preemptions = 2, .stale_reads = 1, .weak = true}); }

INSTANTIATE_TEST_SUITE_P(Scenarios, Explore, testing::ValuesIn(scenarios()),
                         [](const testing::TestParamInfo<Scenario>& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace fallow::explore
