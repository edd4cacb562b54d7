// R11: free blocks larger than a request may be are reported in parts, and delay nothing.
#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

// A zone of 1 GiB with its low watermark at 2048 frames. Half of what is free above the watermark is less
// than a pair.
class R11Pair : public ::testing::Test {
 protected:
  void start(HwmPolicy& policy) {
    rig_.box().fill();
    ASSERT_EQ(rig_.zone().low_watermark().raw, 2048u);
    rig_.register_device(device_, policy);
    rig_.run_due();
    ASSERT_FALSE(rig_.reporter().reporting_requested(0));
    device_.answer = [](Scatterlist list, std::uint32_t) {
      PfnCount taken;
      for (const ScatterEntry& e : list) taken += e.count;
      EXPECT_LT(taken.raw, 1024u) << "more than half";
      return Status::Ok;
    };
  }
  void TearDown() override { rig_.unregister_device(device_); }

  Rig rig_{mebibytes(1024)};
  TestDevice device_{rig_.port};
};

TEST_F(R11Pair, ThatDoesNotFitGoesInHalvesAndHoldsNothingUp) {
  HwmPolicy policy(kOrder9, 1);
  start(policy);
  rig_.box().free_blocks({0}, kOrder10, 1, 1);
  rig_.box().free_blocks({4096}, kOrder9, 3, 1024);
  rig_.run_due();
  EXPECT_EQ(device_.frames_shown().size(), 2560u);
  device_.expect_shown_once();
  device_.expect_batches_well_formed(kOrder9);
}

// The second half is reported with the first, although its free area is below the threshold. Blocks that
// were in that area before stay.
TEST_F(R11Pair, InHalvesIsStillOfTheAreaAtItsThreshold) {
  HwmPolicy policy(kOrder9, 3);
  start(policy);
  rig_.box().free_blocks({4096}, kOrder9, 1, 1);
  rig_.box().free_blocks({8192}, kOrder10, 3, 2048);
  rig_.run_due();
  const std::vector<std::uint64_t> shown = device_.frames_shown();
  EXPECT_EQ(shown.size(), 3072u);
  ASSERT_FALSE(shown.empty());
  EXPECT_EQ(shown.front(), 8192u);
  device_.expect_shown_once();
  EXPECT_FALSE(rig_.reporter().reporting_requested(0));
}

// The same holds for the rest of a block that is reported in parts, or whose run a full request cuts.
TEST_F(R11Pair, AndOfABlockInPartsTheRest) {
  HwmPolicy policy(Order{0}, 3);
  start(policy);
  rig_.box().free_blocks({4096}, kOrder9, 4, 1024);
  rig_.box().free_blocks({16384}, Order{8}, 1, 1);
  rig_.box().free_blocks({20480}, Order{7}, 1, 1);
  rig_.run_due();
  EXPECT_EQ(device_.frames_shown().size(), 2048u);
  device_.expect_shown_once();
  EXPECT_FALSE(rig_.reporter().reporting_requested(0));
}

}  // namespace
}  // namespace fallow::detail
