// Several threads on one zone, where single steps of two threads meet. Long runs: tests/stress.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class ZoneConcurrency : public ZoneTest {
 protected:
  static constexpr unsigned kRounds = 20000;
  static constexpr auto kLongEnough = std::chrono::seconds(1);

  // Runs both threads at once, in step, many times; fewer on a busy machine.
  template <class Prepare, class First, class Second>
  void in_step(Prepare prepare, First first, Second second) {
    constexpr unsigned kStop = ~0U;
    std::atomic<unsigned> round{0}, done{0};
    std::thread other([&] {
      for (unsigned i = 1;; ++i) {
        while (round.load() != i && round.load() != kStop) std::this_thread::yield();
        if (round.load() == kStop) return;
        second();
        done.store(i);
      }
    });
    const auto end = std::chrono::steady_clock::now() + kLongEnough;
    for (unsigned i = 1; i <= kRounds && std::chrono::steady_clock::now() < end; ++i) {
      prepare();
      round.store(i);
      first();
      while (done.load() != i) std::this_thread::yield();
    }
    round.store(kStop);
    other.join();
  }
};

// Two threads free parts of one whole block. The first splits the block, and the free of the second is no
// misuse.
TEST_F(ZoneConcurrency, TwoPartsOfAWholeBlockAreFreedAtOnce) {
  Pfn pfn;
  std::atomic<unsigned> refused{0};
  const auto free_part = [&](std::uint32_t c, std::uint64_t part, Order order) {
    if (cache(c).free(pfn + PfnCount{part}, order) != Status::Ok) refused.fetch_add(1);
  };
  in_step([&] { pfn = must_allocate({9}); },
          [&] {
            free_part(0, 0, {4});
            free_part(0, 16, {4});
            free_part(0, 32, {5});
            free_part(0, 64, {6});
            free_part(0, 128, {7});
          },
          [&] { free_part(1, 256, {8}); });
  EXPECT_EQ(refused.load(), 0u);
  drain_all();
  EXPECT_EQ(used().raw, 0u);
}

// Both threads leave a word of one block with each free, so the words of their last frees go back at once.
TEST_F(ZoneConcurrency, SingleFreesOfOneBlockAtOnce) {
  std::vector<Pfn> all;
  std::atomic<unsigned> refused{0};
  const auto free_every_second = [&](std::uint32_t c) {
    for (std::size_t column = 0; column < kWordFrames; ++column) {
      for (std::size_t i = column; i < all.size(); i += kWordFrames) {
        if (i / kWordFrames % 2 != c) continue;
        if (cache(c).free(all[i]) != Status::Ok) refused.fetch_add(1);
      }
    }
    cache(c).drain();
  };
  std::uint64_t freed = 0;
  in_step(
      [&] {
        all = allocate_many(kBlockFrames);
        cache().retire();
        freed += kBlockFrames;
      },
      [&] { free_every_second(0); }, [&] { free_every_second(1); });
  EXPECT_EQ(refused.load(), 0u);
  EXPECT_EQ(used().raw, 0u);
  EXPECT_GE(cache(0).counts().returned + cache(1).counts().returned, freed);
  EXPECT_EQ(free_area(zone(), {10}).nr_free, kBlocks / 2);
}

// The last free block is reported: both threads get their part of it, whichever splits it.
TEST_F(ZoneConcurrency, AReportedBlockIsSplitByTwoAtOnce) {
  make({kBase, {2 * kBlockFrames}, 2});
  const Pfn other = must_allocate({9}, Mobility::Movable, 1);
  std::atomic<unsigned> failed{0};
  Pfn got[2];
  const auto take = [&](std::uint32_t c, Order order) {
    const Allocation a = cache(c).allocate(order);
    got[c] = a.pfn;
    if (!a.ok()) failed.fetch_add(1);
  };
  in_step(
      [&] {
        if (got[0].raw != 0) {
          must_free(got[0]);
          must_free(got[1], {4});
        }
        retire_all();
        report();
      },
      [&] { take(0, {}); }, [&] { take(1, {4}); });
  EXPECT_EQ(failed.load(), 0u);
  must_free(got[0]);
  must_free(got[1], {4});
  must_free(other, {9}, 1);
}

// The last free block is isolated and put back repeatedly; an allocation that meets this waits (R11).
TEST_F(ZoneConcurrency, AnAllocationNeverFailsBecauseFramesAreIsolated) {
  make({kBase, {2 * kBlockFrames}, 2});
  const Pfn other = must_allocate({9}, Mobility::Movable, 1);
  for (const unsigned order : {9U, 5U, 0U}) {
    std::atomic<unsigned> failed{0};
    in_step([&] {},
            [&] {
              const Allocation got = cache(0).allocate({8});
              if (!got.ok() || cache(0).free(got.pfn, {8}) != Status::Ok) failed.fetch_add(1);
            },
            [&] {
              Selection selection;
              selection.order = {static_cast<std::uint8_t>(order)};
              Isolation isolation(zone().tables(), selection);
              ScatterEntry list[1];
              const std::uint32_t n = isolation.fill(list, {~std::uint64_t{0}});
              if (n != 0) put_back(zone().tables(), {list, n}, false);
            });
    EXPECT_EQ(failed.load(), 0u) << "order " << order;
    expect_consistent();
  }
  must_free(other, {9}, 1);
}

// ZONE-8: a block may be taken from its owner between the owner's read and its reservation.
TEST_F(ZoneConcurrency, AReservationAsksWhoOwnsTheBlock) {
  const Pfn pfn = must_allocate();
  const std::uint32_t block = static_cast<std::uint32_t>(zone().tables().index_of(pfn) / kBlockFrames);
  const unsigned owner = zone().tables().entry(block).owner();
  ASSERT_NE(owner, 0u);
  EXPECT_FALSE(zone().tables().reserve_in_block(block, 1, 0, Mobility::Movable, owner + 1));
  EXPECT_TRUE(zone().tables().reserve_in_block(block, 1, 0, Mobility::Movable, owner));
  zone().tables().settle_taken(block, 1, 0);
  must_free(pfn);
  drain_all();
  must_free(take_whole(block), kBlockOrder);  // while it is wholly free
  ASSERT_EQ(zone().tables().entry(block).owner(), 0u);
  EXPECT_FALSE(zone().tables().reserve_in_block(block, 1, 0, Mobility::Movable, owner));
  EXPECT_TRUE(zone().tables().reserve_in_block(block, 1, 0, Mobility::Movable));
  zone().tables().settle_taken(block, 1, 0);
}

// R10: a hand with reported frames is put back while forget_reported() runs.
TEST_F(ZoneConcurrency, ForgottenReportBitsDoNotComeBack) {
  make({kBase, {kBlockFrames}, 1});
  Pfn pfn = must_allocate();
  unsigned rounds = 0, came_back = 0;
  in_step(
      [&] {
        came_back += reported().raw != 0 ? 1 : 0;
        must_free(pfn);
        cache().drain();
        report_order(0);
        pfn = must_allocate();
        ++rounds;
      },
      // The start of one thread is delayed a little more each time.
      [&] {
        for (unsigned i = 0; i < rounds % 64; ++i) port().relax();
        zone().forget_reported();
      },
      [&] { cache().drain(); });
  EXPECT_EQ(came_back, 0u);
}

}  // namespace
}  // namespace fallow::detail
