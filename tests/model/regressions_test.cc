// Failures that the model test found, as it printed them.
#include <gtest/gtest.h>

#include "tests/model/run.h"

namespace fallow::model {
namespace {

void expect_passes(const std::string& shape, const std::vector<Operation>& operations) {
  const Shape* const known = find_shape(shape);
  ASSERT_NE(known, nullptr) << shape;
  const std::optional<Failure> failure = replay(*known, operations);
  EXPECT_FALSE(failure.has_value()) << failure->what;
}

// A hand kept report bits from before forget_reported().
TEST(ModelRegression, ReportBitsInAHandAreForgotten) {
  expect_passes("Large", {
                             register_device(9, 16),
                             advance(1'000'000'000),
                             allocate(0, 0, Mobility::Movable),
                             forget_reported(),
                             allocate(0, 0, Mobility::Movable),
                         });
}

// The frame handed out last was freed as part of a run, and was then taken back a second time by itself.
TEST(ModelRegression, TheLastFrameCameBackInARun) {
  expect_passes("Odd", {
                           allocate(0, 0, Mobility::Movable),
                           allocate(0, 0, Mobility::Movable),
                           free(0, 725, 0),
                           free(0, 724, 0),
                           allocate(0, 0, Mobility::Movable),
                           allocate(0, 0, Mobility::Movable),
                           free(0, 724, 1),
                           free(0, 724, 0),
                       });
}

}  // namespace
}  // namespace fallow::model
