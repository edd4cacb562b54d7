// The policy `linux`: the baseline.
#include <map>

#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

// The lower half of 512 MiB is in use, the upper half reported.
class LinuxPolicyTest : public ::testing::Test {
 protected:
  void start(LinuxPolicy& policy, std::uint32_t capacity) {
    rig_.box().fill();
    rig_.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
    device_ = std::make_unique<TestDevice>(rig_.port, capacity);
    rig_.register_device(*device_, policy);
    rig_.pass_time(seconds(1000));
    ASSERT_EQ(rig_.box().stats().reported, mebibytes(256));
    ASSERT_FALSE(rig_.reporter().reporting_requested(0));
    device_->batches.clear();
    began_ = rig_.port.now();
  }
  void TearDown() override {
    if (device_ != nullptr) rig_.unregister_device(*device_);
  }
  // Maps milliseconds after start() to the number of requests made then.
  std::map<std::uint64_t, std::size_t> requests() const {
    std::map<std::uint64_t, std::size_t> at;
    for (const Batch& b : device_->batches) ++at[(b.at - began_).raw / 1'000'000];
    return at;
  }

  Rig rig_{mebibytes(512)};
  std::unique_ptr<TestDevice> device_;
  Nanoseconds began_;
};

TEST_F(LinuxPolicyTest, ReportsTwoSecondsAfterTheFirstFree) {
  LinuxPolicy policy;
  start(policy, 32);
  rig_.box().free_blocks({0}, kOrder9, 1, 1);
  rig_.pass_time(milliseconds(700));
  rig_.box().free_blocks({1024}, kOrder9, 1, 1);  // does not postpone the cycle
  rig_.pass_time(milliseconds(1299));
  EXPECT_TRUE(device_->batches.empty());
  rig_.pass_time(milliseconds(1));
  EXPECT_EQ(requests(), (std::map<std::uint64_t, std::size_t>{{2000, 1}}));
  EXPECT_EQ(device_->frames_shown().size(), 1024u);
  rig_.pass_time(seconds(100));
  EXPECT_EQ(device_->batches.size(), 1u);
  EXPECT_FALSE(rig_.reporter().reporting_requested(0));
}

// nr_free of the area includes reported blocks: 100 singles, capacity 2: ceil(100 / 32) + 1 = 5 requests.
TEST_F(LinuxPolicyTest, ACycleKeepsToTheBudgetAndTheNextFollowsAfterTwoSeconds) {
  LinuxPolicy policy;
  start(policy, 2);
  rig_.box().free_blocks({0}, kOrder9, 64, 1024);
  rig_.pass_time(seconds(100));
  // ceil(64 / 32) + 1 = 3 requests of 2 blocks in each cycle: 32 requests in all.
  std::map<std::uint64_t, std::size_t> expected;
  for (std::uint64_t i = 0; i < 10; ++i) expected[2000 * (i + 1)] = 3;
  expected[22000] = 2;
  EXPECT_EQ(requests(), expected);
  EXPECT_EQ(rig_.box().stats().reported, rig_.box().stats().free);
  device_->expect_shown_once();
}

TEST_F(LinuxPolicyTest, EachOrderHasABudgetOfItsOwn) {
  LinuxPolicy policy;
  start(policy, 1);
  rig_.box().free_blocks({0}, kOrder9, 16, 1024);
  rig_.box().free_blocks({32 * 1024}, kOrder10, 16, 1024);
  rig_.pass_time(seconds(2));
  // Order 9: ceil(16 / 16) + 1; order 10, with the 64 reported blocks: ceil(80 / 16) + 1.
  EXPECT_EQ(requests(), (std::map<std::uint64_t, std::size_t>{{2000, 2 + 6}}));
  for (const Batch& b : device_->batches) EXPECT_EQ(b.entries.size(), 1u);
}

TEST_F(LinuxPolicyTest, EachMobilityHasABudgetOfItsOwn) {
  LinuxPolicy policy;
  start(policy, 1);
  // 16 blocks of each mobility, with one frame used in each: as blocks they keep their last owner's
  // mobility.
  rig_.box().free_blocks({0}, kOrder9, 48, 1024);
  std::vector<Pfn> got;
  for (unsigned m = 0; m < kMobilities; ++m) {
    for (int i = 0; i < 16; ++i) {
      const Allocation a = rig_.cache().allocate(kOrder9, static_cast<Mobility>(m));
      ASSERT_LT(a.pfn.raw, mebibytes(256).raw);
      got.push_back(a.pfn);
    }
  }
  for (const Pfn p : got) ASSERT_EQ(rig_.cache().free(p, kOrder9), Status::Ok);
  rig_.pass_time(seconds(2));
  // ceil(48 / 16) + 1 = 4, three times.
  EXPECT_EQ(requests(), (std::map<std::uint64_t, std::size_t>{{2000, 12}}));
}

TEST_F(LinuxPolicyTest, EntriesAreSingleBlocks) {
  LinuxPolicy policy;
  start(policy, 32);
  rig_.box().free_blocks({0}, kOrder10, 20, 1024);
  rig_.pass_time(seconds(10));
  std::size_t entries = 0;
  for (const Batch& b : device_->batches) {
    for (const ScatterEntry& e : b.entries) EXPECT_EQ(e.count.raw, 1024u);
    entries += b.entries.size();
  }
  EXPECT_EQ(entries, 20u);
}

// Low orders too: neighbours that are not buddies, and blocks of several words.
TEST_F(LinuxPolicyTest, EntriesAreSingleBlocksAtLowOrders) {
  LinuxPolicy policy(Order{3});
  start(policy, 32);
  rig_.box().free_blocks({8}, Order{3}, 2, 8);           // 8..15 and 16..23
  rig_.box().free_blocks({1024}, Order{7}, 1, 1);        // four words
  rig_.box().free_blocks({2048 + 32}, Order{5}, 2, 32);  // two words that are not buddies
  rig_.pass_time(seconds(10));
  std::map<std::uint64_t, std::uint64_t> entries;
  for (const Batch& b : device_->batches) {
    for (const ScatterEntry& e : b.entries) entries[e.first.raw] = e.count.raw;
  }
  EXPECT_EQ(entries,
            (std::map<std::uint64_t, std::uint64_t>{{8, 8}, {16, 8}, {1024, 128}, {2080, 32}, {2112, 32}}));
}

TEST_F(LinuxPolicyTest, LowerOrdersAreReportedCompletely) {
  LinuxPolicy policy(Order{0});
  start(policy, 7);
  for (std::uint8_t o = 0; o <= 9; ++o) {
    rig_.box().free_blocks({o * 4096U}, Order{o}, 3, frames(Order{o}).raw * 2);
  }
  rig_.pass_time(seconds(60));
  EXPECT_EQ(rig_.box().stats().reported, rig_.box().stats().free);
  device_->expect_shown_once();
  device_->expect_batches_well_formed(Order{0});
}

// Nothing is reported while fewer frames are free than the low watermark and one request, and nothing polls
// meanwhile. The next cycle starts 2 s after the free that ends the shortage.
TEST(LinuxWatermark, NothingBelowTheWatermarkAndOneRequest) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port, 16);
  LinuxPolicy policy;
  rig.box().fill();
  const std::uint64_t needed = rig.zone().low_watermark().raw + 16 * 512;
  rig.box().free_blocks({0}, kOrder9, (needed - 1) / 512, 512);
  rig.register_device(device, policy);
  rig.pass_time(seconds(60));
  EXPECT_TRUE(device.batches.empty());
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  EXPECT_EQ(rig.port.next_deadline(), kNever);
  rig.box().free_blocks({mebibytes(256).raw}, kOrder9, 1, 512);
  EXPECT_TRUE(rig.reporter().reporting_requested(0));
  rig.pass_time(milliseconds(1999));
  EXPECT_TRUE(device.batches.empty());
  rig.pass_time(milliseconds(1));
  EXPECT_FALSE(device.batches.empty());
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow::detail
