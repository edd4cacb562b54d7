// Reported frames and their later life (R8, R10, R12).
#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class Reported : public ZoneTest {
 protected:
  static constexpr std::uint64_t kAll = kBlocks * kBlockFrames;
};

TEST_F(Reported, GoWithTheFrameThatIsAllocated) {
  ASSERT_EQ(report_order(0), kAll);
  const Pfn pfn = must_allocate();
  retire_all();
  EXPECT_EQ(reported().raw, kAll - 1) << "at frame precision";
  EXPECT_EQ(zone_stats(zone()).refaults.raw, 1u);
  must_free(pfn);
  retire_all();
  EXPECT_EQ(reported().raw, kAll - 1);
  EXPECT_EQ(report_order(0), 1u) << "only what was touched is reported again";
}

TEST_F(Reported, GoWithEveryOrder) {
  std::uint64_t expected = report_order(0);
  for (std::uint8_t order = 0; order <= kMaxOrder.raw; ++order) {
    must_allocate({order});
    drain_all();
    expected -= frames({order}).raw;
    EXPECT_EQ(reported().raw, expected) << int{order};
    expect_consistent();
  }
  EXPECT_EQ(zone_stats(zone()).refaults.raw, kAll - expected);
}

// Frames that lay in a hand and were not handed out stay reported and keep their age.
TEST_F(Reported, OfFramesInAHandComeBackWithThem) {
  ASSERT_EQ(report(), kAll);
  must_allocate();
  EXPECT_EQ(reported().raw, kAll - kWordFrames);
  cache().drain();
  EXPECT_EQ(reported().raw, kAll - 1);
  EXPECT_EQ(report_order(0), 0u);
}

TEST_F(Reported, OfFramesFreedIntoAHandDoNotComeBack) {
  ASSERT_EQ(report(), kAll);
  must_free(must_allocate());
  cache().drain();
  EXPECT_EQ(reported().raw, kAll - 1);
}

TEST_F(Reported, OfALargerBlockStayWithTheRest) {
  ASSERT_EQ(report(), kAll);
  must_allocate({4});
  drain_all();
  EXPECT_EQ(reported().raw, kAll - 16);
  EXPECT_EQ(free_area(zone(), {4}).nr_reported, 1u) << "the buddy, split off";
}

// ---- R10: forgetting ----

TEST_F(Reported, AreForgotten) {
  zone().tables().trigger().set_order({0});
  ASSERT_EQ(report(), kAll);
  must_allocate({3});
  drain_all();
  zone().forget_reported();
  EXPECT_EQ(reported().raw, 0u);
  expect_consistent();
  EXPECT_EQ(report_order(0), kAll - 8) << "everything free is reported anew";
}

TEST_F(Reported, AreForgottenInPartlyUsedBlocks) {
  const Pfn pfn = must_allocate();
  drain_all();
  ASSERT_EQ(report_order(0), kAll - 1);
  zone().forget_reported();
  EXPECT_EQ(reported().raw, 0u);
  must_free(pfn);
  drain_all();
  EXPECT_EQ(report_order(0), kAll);
}

TEST_F(Reported, InAHandAreForgottenToo) {
  zone().tables().trigger().set_order({0});
  ASSERT_EQ(report(), kAll);
  must_allocate();
  zone().forget_reported();
  retire_all();
  EXPECT_EQ(reported().raw, 0u);
  EXPECT_EQ(report_order(0), kAll - 1);
}

// ZONE-3: reported frames that a reservation is about to take are off the entry and still in the words.
TEST_F(Reported, AreForgottenBesideAReservation) {
  ASSERT_EQ(report_order(0), kAll);
  must_allocate({}, Mobility::Movable, 1);
  drain_all();
  const std::uint32_t block = kBlocks - 1;
  const unsigned before = zone().tables().entry(block).reported_frames();
  ASSERT_EQ(before, kBlockFrames - 1);
  ASSERT_TRUE(zone().tables().reserve_in_block(block, before - 1, before - 1, Mobility::Movable));
  zone().forget_reported();
  zone().tables().settle_taken(block, before - 1, -static_cast<int>(before - 1));  // no frame was taken
  EXPECT_EQ(zone().tables().entry(block).reported_frames(), 0u);
  EXPECT_EQ(reported().raw, 0u);
}

// The owner of the memory lost its state: the promise is void, also for frames in a hand (R12).
TEST_F(Reported, InAHandPromiseNothingOnceForgotten) {
  zone().tables().set_content_known(true);
  ASSERT_EQ(report(), kAll);
  EXPECT_TRUE(cache().allocate().content_known);
  zone().forget_reported();
  EXPECT_FALSE(cache().allocate().content_known);
  EXPECT_FALSE(cache().allocate({3}).content_known);
  EXPECT_FALSE(cache().allocate({9}).content_known);
}

// ---- R12: what the device promised ----

TEST_F(Reported, PromiseTheContentAtEveryOrder) {
  ASSERT_EQ(report(), kAll);
  EXPECT_FALSE(cache().allocate().content_known) << "a device that promises nothing";
  zone().tables().set_content_known(true);
  for (std::uint8_t order = 0; order <= kMaxOrder.raw; ++order) {
    const Allocation got = cache().allocate({order}, Mobility::Unmovable);
    EXPECT_TRUE(got.content_known) << int{order};
    ASSERT_EQ(cache().free(got.pfn, {order}), Status::Ok);
    drain_all();
    const Allocation again = cache().allocate({order}, Mobility::Unmovable);
    if (again.pfn == got.pfn) {
      EXPECT_FALSE(again.content_known) << "it was written to meanwhile";
    }
  }
}

TEST_F(Reported, PromiseNothingForABlockThatIsTouchedInPart) {
  zone().tables().set_content_known(true);
  make({kBase, {2 * kBlockFrames}, 1});
  zone().tables().set_content_known(true);
  ASSERT_EQ(report(), 2 * kBlockFrames);
  must_free(must_allocate());
  cache().retire();
  EXPECT_FALSE(cache().allocate({10}).content_known);
}

// ---- Reserving ----

// The entry holds the whole state: a zone of terabytes is reported without a read of its words.
TEST_F(Reported, OfAWholeBlockAreInItsEntryUntilItIsSplit) {
  report();
  const auto words = [&](std::uint32_t b) {
    std::uint64_t all = 0;
    for (unsigned w = 0; w < kBlockWords; ++w)
      all |= zone().tables().word(std::uint64_t{b} * kBlockWords + w).load();
    return all;
  };
  for (std::uint32_t b = 0; b < kBlocks; ++b) {
    EXPECT_TRUE(zone().tables().entry(b).reported());
    EXPECT_EQ(words(b), 0u) << "block " << b;
  }
  const Pfn whole = must_allocate({9}), run = must_allocate({4}), single = must_allocate();
  EXPECT_EQ(words(block_of(whole)), 0u);
  ASSERT_EQ(block_of(single), block_of(run));
  EXPECT_EQ(zone().tables().entry(block_of(run)).reported_frames(), kBlockFrames - kWordFrames)
      << "one word is taken";
  drain_all();
  EXPECT_EQ(reported().raw, (kBlocks - 1) * kBlockFrames - 17);
}

TEST_F(Reported, AReservationTakesNoReportedFrames) {
  ASSERT_EQ(report(), kAll);
  EXPECT_EQ(zone().reserve(kBase, {1}), Status::InvalidArgument);
  EXPECT_EQ(zone().reserve(kBase, {kBlockFrames}), Status::InvalidArgument);
}

}  // namespace
}  // namespace fallow::detail
