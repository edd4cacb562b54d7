// Misuse is refused, in release builds too. The frame is named, and the zone stays unchanged.
#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class ZoneMisuse : public ZoneTest {
 protected:
  // The free is refused at every order at which the frame is aligned.
  void expect_misuse_at_all_orders(Pfn pfn, std::uint32_t c = 0) {
    for (std::uint8_t order = 0; order <= kMaxOrder.raw && aligned(pfn, {order}); ++order) {
      expect_misuse(pfn, {order}, Status::NotAllocated, c);
    }
    expect_consistent();
  }
};

TEST_F(ZoneMisuse, StartsWithNone) {
  EXPECT_EQ(zone().misuse().count, 0u);
  EXPECT_EQ(zone().misuse().last, Status::Ok);
}

TEST_F(ZoneMisuse, DoubleFreeIntoTheHand) {
  const Pfn pfn = must_allocate();
  must_free(pfn);
  EXPECT_GT(cache().in_hand(static_cast<std::uint32_t>(zone().tables().index_of(pfn) / kWordFrames), 1), 0u);
  expect_misuse_at_all_orders(pfn, 0);
  expect_misuse_at_all_orders(pfn, 1);
}

TEST_F(ZoneMisuse, DoubleFreeWhilePending) {
  const Pfn pfn = must_allocate({3});
  must_free(pfn, {}, 1);
  EXPECT_EQ(cache(1).counts().pending, 1u);
  expect_misuse(pfn, {}, Status::NotAllocated, 1);
  expect_misuse(pfn, {3}, Status::NotAllocated, 1);
}

TEST_F(ZoneMisuse, DoubleFreeWhenFlushed) {
  for (std::uint8_t order = 0; order <= kMaxOrder.raw; ++order) {
    const Pfn pfn = must_allocate({order});
    must_free(pfn, {order});
    drain_all();
    expect_misuse(pfn, {order}, Status::NotAllocated, 0);
    expect_misuse(pfn, {order}, Status::NotAllocated, 1);
    expect_misuse(pfn, {}, Status::NotAllocated, 1);
    expect_consistent();
  }
}

// The second free is detected when it is flushed: until then the frame is pending in another cache.
TEST_F(ZoneMisuse, DoubleFreeByAnotherCache) {
  const Pfn pfn = must_allocate({2});
  must_free(pfn, {}, 1);
  static_cast<void>(cache(0).free(pfn));
  drain_all();
  EXPECT_EQ(zone().misuse().count, 1u);
  EXPECT_EQ(zone().misuse().last_pfn, pfn);
  EXPECT_EQ(zone().misuse().last, Status::NotAllocated);
  EXPECT_EQ(used().raw, 3u);
}

// The same if the cache that frees second owns the block and has the frame's word in its hand.
TEST_F(ZoneMisuse, DoubleFreeByAnotherCacheThatOwnsTheBlock) {
  const Pfn pfn = must_allocate({}, Mobility::Movable, 0);
  must_free(pfn, {}, 1);
  static_cast<void>(cache(0).free(pfn));
  cache(1).drain();
  expect_consistent();
  EXPECT_EQ(zone().misuse().count, 1u);
  EXPECT_EQ(zone().misuse().last_pfn, pfn);
  const std::vector<Pfn> all = exhaust();
  EXPECT_EQ(all.size(), kBlocks * kBlockFrames) << "no frame is given out twice, and none is lost";
}

TEST_F(ZoneMisuse, OfWhatWasNeverAllocated) {
  must_allocate({}, Mobility::Movable, 0);
  expect_misuse_at_all_orders(kBase + PfnCount{5 * kBlockFrames});
  expect_misuse_at_all_orders(kBase + PfnCount{4 * kBlockFrames});
  expect_misuse_at_all_orders(kBase + PfnCount{4 * kBlockFrames + 17});
}

TEST_F(ZoneMisuse, OfAFrameInAHand) {
  const Pfn pfn = must_allocate({}, Mobility::Movable, 0);
  for (std::uint64_t i = 1; i < kWordFrames; ++i) {
    expect_misuse(pfn + PfnCount{i}, {}, Status::NotAllocated, 0);
    expect_misuse(pfn + PfnCount{i}, {}, Status::NotAllocated, 1);
  }
  expect_misuse(pfn, {3}, Status::NotAllocated, 1);
  expect_misuse(pfn, {8}, Status::NotAllocated, 1);
  expect_misuse(pfn, {9}, Status::NotAllocated, 1);
}

// In a nearly full zone a cache takes frames of a block that another cache owns.
TEST_F(ZoneMisuse, OfAFrameTakenFromABlockOfAnotherCache) {
  make({kBase, {2 * kBlockFrames}, 3});
  allocate_many(kBlockFrames - 1, Mobility::Movable, 0);  // owns block 0, with one frame of it left
  allocate_many(kBlockFrames - 100, Mobility::Unmovable, 1);
  cache(1).drain();
  const Pfn got = must_allocate({}, Mobility::Movable, 2);
  for (std::uint32_t c = 0; c < 3; ++c) {
    for (std::uint64_t i = 0; i < 2 * kBlockFrames; ++i) {
      const Pfn pfn = kBase + PfnCount{i};
      std::uint32_t held = 0;
      for (std::uint32_t h = 0; h < 3; ++h) {
        held |= cache(h).in_hand(static_cast<std::uint32_t>(i / kWordFrames), 1U << (i % kWordFrames));
      }
      if (held != 0) expect_misuse(pfn, {}, Status::NotAllocated, c);
    }
    expect_consistent();
  }
  must_free(got, {}, 2);
  drain_all();
}

// A block is taken from its owner while it is wholly free, and returns for another mobility.
TEST_F(ZoneMisuse, OfAFrameInAHandOfABlockThatCameBack) {
  const Pfn movable = must_allocate();
  must_free(movable);
  cache().drain();
  must_free(take_whole(block_of(movable)), {9});
  const Pfn unmovable = must_allocate({}, Mobility::Unmovable);
  ASSERT_EQ(block_of(unmovable), block_of(movable));
  // The hand of unmovable frames must stay in the block, however many movable frames are allocated now.
  for (unsigned i = 0; i < kBlockFrames; ++i) {
    must_allocate();
    if (i % 64 == 0) expect_consistent();
  }
  expect_misuse(unmovable + PfnCount{1}, {}, Status::NotAllocated, 0);
  expect_misuse(unmovable + PfnCount{1}, {}, Status::NotAllocated, 1);
}

// A hand that ran empty long ago does not receive frames of a block that is now owned for another mobility.
TEST_F(ZoneMisuse, DoubleFreeIntoAHandThatIsHistory) {
  make({kBase, {4 * kBlockFrames}, 2});
  const Pfn old = must_allocate({}, Mobility::Unmovable);
  cache().retire();
  const std::vector<Pfn> others = allocate_many(3 * kBlockFrames);
  const std::vector<Pfn> beside = allocate_many(kBlockFrames - 1);
  ASSERT_EQ(block_of(beside[0]), block_of(old));
  must_free({others.back().raw - kBlockFrames + 1}, {9});
  // Frees frames of other words through the other cache; otherwise `old` would be handed out again at once.
  for (unsigned i = 100; i < 116; ++i) must_free(beside[i], {}, 1);
  cache(1).drain();
  must_free(old);
  EXPECT_NE(block_of(allocate_many(17).back()), block_of(old)) << "the block is full, and given up";
  expect_misuse(old, {}, Status::NotAllocated, 0);
  drain_all();
  expect_misuse(old, {}, Status::NotAllocated, 0);
  expect_misuse(old, {}, Status::NotAllocated, 1);
}

// Frames freed in a nearly full block wait to be handed out again, and count as free meanwhile.
TEST_F(ZoneMisuse, DoubleFreeOfAFrameThatIsAboutToBeReused) {
  const std::vector<Pfn> all = allocate_many(2 * kBlockFrames);
  must_free(all[7]);
  expect_misuse(all[7], {}, Status::NotAllocated);
  EXPECT_EQ(must_allocate(), all[7]);
  must_free(all[7]);
  EXPECT_EQ(must_allocate({}, Mobility::Unmovable) == all[7], false) << "only for the block's own mobility";
}

// The word of the pending frames is taken into the hand: the frames move there and are not in both.
TEST_F(ZoneMisuse, DoubleFreeOfAFrameThatIsPendingWhileItsWordIsTaken) {
  const std::vector<Pfn> all = allocate_many(kBlockFrames);
  for (unsigned i = 32; i < 64; ++i) must_free(all[i], {}, 1);
  cache(1).drain();
  must_free(all[0]);
  must_free(all[1], {}, 1);
  cache(1).drain();
  const Pfn again = must_allocate();
  expect_misuse(again == all[0] ? all[1] : all[0], {}, Status::NotAllocated);
}

TEST_F(ZoneMisuse, OutsideTheZone) {
  const Pfn end = kBase + PfnCount{kBlocks * kBlockFrames};
  for (const Pfn pfn : {Pfn{0}, Pfn{kBase.raw - 1}, Pfn{kBase.raw - 1024}, end, end + PfnCount{1024},
                        Pfn{(std::uint64_t{1} << 52) - 1}}) {
    for (std::uint8_t order = 0; order <= kMaxOrder.raw; ++order) {
      expect_misuse(pfn, {order}, Status::OutsideZone, order % 2);
    }
  }
}

// For a cache that has done nothing yet, a cache with a frame handed out, and a cache that took it back.
TEST_F(ZoneMisuse, BeyondAnyAddress) {
  const auto refused = [&] {
    expect_misuse(Misuse::kLastNamed, {}, Status::OutsideZone);
    for (const Pfn pfn : {Misuse::kLastNamed + PfnCount{1}, Pfn{~std::uint64_t{0}}}) {
      EXPECT_EQ(cache().free(pfn), Status::OutsideZone);
      EXPECT_EQ(zone().misuse().last_pfn, Misuse::kLastNamed);
    }
  };
  refused();
  const Pfn pfn = must_allocate();
  refused();
  must_free(pfn);
  refused();
  EXPECT_EQ(used().raw, 0u);
  EXPECT_EQ(exhaust().size(), kBlocks * kBlockFrames);
}

TEST_F(ZoneMisuse, StraddlingTheEnds) {
  make({{kBase.raw + 100}, {1000}, 1});
  const Pfn first = zone().base(), last = first + PfnCount{999};
  expect_misuse({first.raw & ~std::uint64_t{7}}, {3}, Status::OutsideZone);
  expect_misuse({last.raw & ~std::uint64_t{7}}, {3}, Status::OutsideZone);
  expect_misuse(kBase, {10}, Status::OutsideZone);
  expect_misuse(kBase + PfnCount{1024}, {10}, Status::OutsideZone);
}

TEST_F(ZoneMisuse, Misaligned) {
  const Pfn pfn = must_allocate({10});
  for (std::uint8_t order = 1; order < kMaxOrder.raw; ++order) {
    expect_misuse(pfn + PfnCount{1}, {order}, Status::Misaligned);
    expect_misuse(pfn + PfnCount{frames({order}).raw / 2}, {order}, Status::Misaligned);
  }
  EXPECT_EQ(used().raw, 1024u);
}

TEST_F(ZoneMisuse, OrderTooLarge) {
  const Pfn pfn = must_allocate({10});
  expect_misuse(pfn, {11}, Status::InvalidArgument);
  expect_misuse(pfn, {64}, Status::InvalidArgument);
  expect_misuse(pfn, {255}, Status::InvalidArgument);
  EXPECT_EQ(used().raw, 1024u);
}

TEST_F(ZoneMisuse, OfABlockThatIsFreeInPart) {
  for (std::uint8_t order = 1; order <= kMaxOrder.raw; ++order) {
    const Pfn pfn = must_allocate({order});
    for (const std::uint64_t hole : {std::uint64_t{0}, frames({order}).raw - 1}) {
      must_free(pfn + PfnCount{hole});
      drain_all();
      const PfnCount before = used();
      expect_misuse(pfn, {order}, Status::NotAllocated);
      EXPECT_EQ(used(), before) << "all of it or nothing";
      expect_consistent();
    }
  }
}

TEST_F(ZoneMisuse, OfAPartOfAFreeWholeBlock) {
  const Pfn pfn = must_allocate({9});
  must_free(pfn, {9});
  for (std::uint8_t order = 0; order <= 9; ++order) expect_misuse(pfn, {order}, Status::NotAllocated);
  EXPECT_TRUE(zone().tables().entry(block_of(pfn)).wholly_free());
}

TEST_F(ZoneMisuse, OfReportedFrames) {
  report();
  EXPECT_EQ(reported().raw, kBlocks * kBlockFrames);
  expect_misuse_at_all_orders(kBase);
  EXPECT_EQ(reported().raw, kBlocks * kBlockFrames) << "the frames stay reported";
}

TEST_F(ZoneMisuse, OfIsolatedFrames) {
  const Pfn pfn = must_allocate({4});
  drain_all();
  Selection selection;
  selection.order = {0};
  Isolation isolation(zone().tables(), selection);
  std::vector<ScatterEntry> list(1000);
  const std::uint32_t n = isolation.fill(list, {~std::uint64_t{0}});
  EXPECT_EQ(zone_stats(zone()).isolated.raw, kBlocks * kBlockFrames - 16);
  for (std::uint64_t i = 0; i < kBlocks * kBlockFrames; i += 13) {
    const Pfn isolated = kBase + PfnCount{i};
    if (isolated.raw - pfn.raw < 16) continue;
    expect_misuse(isolated, {}, Status::NotAllocated);
  }
  expect_misuse(kBase + PfnCount{4 * kBlockFrames}, {9}, Status::NotAllocated);
  expect_misuse(kBase + PfnCount{4 * kBlockFrames}, {10}, Status::NotAllocated);
  expect_misuse(kBase + PfnCount{4 * kBlockFrames}, {8}, Status::NotAllocated);
  expect_consistent();
  put_back(zone().tables(), {list.data(), n}, true);
  must_free(pfn, {4});
}

}  // namespace
}  // namespace fallow::detail
