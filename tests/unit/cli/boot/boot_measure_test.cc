#include "cli/boot/boot_measure.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/boot/boots.h"

namespace fallow::cli {
namespace {

TEST(BootMeasure, a_fall_of_900_mib) {
  const auto measured = measure(a_fall(), milliseconds(1500), seconds(2), seconds(4));
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->top_mib, 1000);
  EXPECT_EQ(measured->low_mib, 100);
  EXPECT_NEAR(measured->t05_s.value_or(0), 0.145, 1e-9);
  EXPECT_NEAR(measured->t50_s.value_or(0), 0.550, 1e-9);
  EXPECT_NEAR(measured->t95_s.value_or(0), 0.955, 1e-9);
  // 900 MiB for 100 ms, and half of that on average while the memory falls.
  EXPECT_NEAR(measured->excess_gib_s, (900 * 0.1 + 900 * 0.9 / 2) / 1024, 1e-6);
}

TEST(BootMeasure, what_comes_after_the_end_does_not_count) {
  const auto measured = measure(a_fall(), milliseconds(1500), seconds(2), milliseconds(2100));
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->low_mib, 1000);
  EXPECT_FALSE(measured->t05_s || measured->t50_s || measured->t95_s);
  EXPECT_EQ(measured->excess_gib_s, 0);
}

TEST(BootMeasure, nothing_falls) {
  const std::vector<BootSample> flat = {resident_at(seconds(1), 10), resident_at(seconds(2), 10),
                                        resident_at(seconds(3), 11)};
  const auto measured = measure(flat, seconds(1), seconds(2), seconds(3));
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->top_mib, measured->low_mib);
  EXPECT_FALSE(measured->t95_s);
}

TEST(BootMeasure, one_step) {
  const std::vector<BootSample> step = {resident_at(seconds(1), 100), resident_at(milliseconds(2500), 10)};
  const auto measured = measure(step, seconds(1), seconds(2), seconds(3));
  ASSERT_TRUE(measured);
  EXPECT_NEAR(measured->t05_s.value_or(0), 0.5, 1e-9);
  EXPECT_NEAR(measured->t95_s.value_or(0), 0.5, 1e-9);
}

TEST(BootMeasure, no_samples_or_marks_in_a_strange_order) {
  EXPECT_FALSE(measure({}, seconds(1), seconds(2), seconds(3)));
  EXPECT_FALSE(measure(a_fall(), seconds(5), seconds(6), seconds(7)));
  EXPECT_FALSE(measure(a_fall(), seconds(3), seconds(2), seconds(4)));
  EXPECT_FALSE(measure(a_fall(), milliseconds(1500), seconds(2), seconds(1)));
}

}  // namespace
}  // namespace fallow::cli
