// Tests which values the explorer lets threads read, with the classic litmus tests, and that a waiting thread
// lets others run.
#include <gtest/gtest.h>

#include <set>

#include "tests/explore/engine/search.h"

namespace fallow::explore {
namespace {

using Atomic32 = std::atomic<std::uint32_t>;
constexpr std::memory_order kRelaxed = std::memory_order_relaxed, kAcquire = std::memory_order_acquire,
                            kRelease = std::memory_order_release, kStrongest = std::memory_order_seq_cst;

struct Shared {
  Atomic32 x{0}, y{0};
  std::uint32_t read[4] = {};
};

// Returns every combination of values read, with up to three preemptions and three stale reads; bit i of an
// outcome is read[i].
template <class... Threads>
std::set<unsigned> outcomes(Threads... threads) {
  std::set<unsigned> seen;
  const Scenario scenario{
      "Litmus", "", [&] {
        Shared& s = state<Shared>();
        (thread([&s, threads] { threads(s); }), ...);
        at_end([&s, &seen] { seen.insert(s.read[0] | s.read[1] << 1 | s.read[2] << 2 | s.read[3] << 3); });
      }};
  const Findings found = search_all(scenario, {.preemptions = 3, .stale_reads = 3, .weak = true});
  EXPECT_TRUE(found.complete) << found.what;
  return seen;
}

std::set<unsigned> store_buffering(std::memory_order order) {
  return outcomes(
      [=](Shared& s) { s.x.store(1, order == kStrongest ? order : kRelease), s.read[0] = s.y.load(order); },
      [=](Shared& s) { s.y.store(1, order == kStrongest ? order : kRelease), s.read[1] = s.x.load(order); });
}

TEST(Litmus, StoreBuffering) {
  EXPECT_EQ(store_buffering(kStrongest), (std::set<unsigned>{1, 2, 3}));
  EXPECT_EQ(store_buffering(kAcquire), (std::set<unsigned>{0, 1, 2, 3}));
}

// The load that is first in S is executed last.
TEST(Litmus, StoreBufferingOfAReadModifyWrite) {
  const std::set<unsigned> seen = outcomes([](Shared& s) { s.x.store(1), s.read[0] = s.y.load() != 0; },
                                           [](Shared& s) {
                                             std::uint32_t none = 0;
                                             static_cast<void>(s.y.compare_exchange_strong(none, 1));
                                             s.read[1] = s.x.load();
                                           });
  EXPECT_EQ(seen, (std::set<unsigned>{1, 2, 3}));
}

TEST(Litmus, MessagePassing) {
  const auto with = [](std::memory_order store, std::memory_order load) {
    return outcomes([=](Shared& s) { s.x.store(1, kRelaxed), s.y.store(1, store); },
                    [=](Shared& s) { s.read[0] = s.y.load(load), s.read[1] = s.x.load(kRelaxed); });
  };
  EXPECT_EQ(with(kRelease, kAcquire), (std::set<unsigned>{0, 2, 3}));
  EXPECT_EQ(with(kRelaxed, kAcquire), (std::set<unsigned>{0, 1, 2, 3}));
  EXPECT_EQ(with(kRelease, kRelaxed), (std::set<unsigned>{0, 1, 2, 3}));
}

// Two readers may disagree about the order of two independent stores.
TEST(Litmus, IndependentReadsOfIndependentWrites) {
  const auto with = [](std::memory_order store, std::memory_order load) {
    return outcomes([=](Shared& s) { s.x.store(1, store); }, [=](Shared& s) { s.y.store(1, store); },
                    [=](Shared& s) { s.read[0] = s.x.load(load), s.read[1] = s.y.load(load); },
                    [=](Shared& s) { s.read[2] = s.y.load(load), s.read[3] = s.x.load(load); });
  };
  EXPECT_EQ(with(kStrongest, kStrongest).count(0b0101), 0U);
  EXPECT_EQ(with(kRelease, kAcquire).count(0b0101), 1U);
}

// C++20: nothing orders the seq_cst load after a seq_cst store that a relaxed load has observed.
TEST(Litmus, ALoadBeforeAnOlderStoreInS) {
  const std::set<unsigned> seen =
      outcomes([](Shared& s) { s.x.store(1), s.y.store(1, kRelaxed); },
               [](Shared& s) { s.read[0] = s.y.load(kRelaxed), s.read[1] = s.x.load(); });
  EXPECT_EQ(seen.count(0b01), 1U);
}

TEST(Fairness, ThreadsThatWaitForAThirdDoNotTakeTurns) {
  const Scenario scenario{"Fairness", "", [] {
                            Shared& s = state<Shared>();
                            const auto await = [&s] {
                              while (s.x.load() == 0) {
                                s.y.fetch_add(1);
                                engine().wait();
                              }
                            };
                            thread(await);
                            thread(await);
                            thread([&s] { s.x.store(1); });
                          }};
  const Findings found = search_all(scenario, {.preemptions = 1, .steps = 500});
  EXPECT_TRUE(found.complete) << found.what;
}

}  // namespace
}  // namespace fallow::explore
