// Checks the fences of the weak model with the litmus tests of the literature. Outcomes that C++20 forbids
// fail. Outcomes that it allows are goals, which the model without weak memory cannot reach and need not.
#include <array>
#include <atomic>

#include "tests/explore/world/scenario.h"

namespace fallow::explore {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed, kSeqCst = std::memory_order_seq_cst;

struct Litmus {
  std::atomic<unsigned> x{0}, y{0}, z{0};
  unsigned plain = 0;
  std::array<unsigned, 4> seen = {};
};

void reached_if_weak(unsigned goal, bool outcome) { reached(goal, outcome || !engine().weak()); }

void store_buffering(std::memory_order fence, bool allowed) {
  Litmus& l = state<Litmus>();
  const unsigned goal = declare_goal(allowed ? "neither thread sees the other's store" : "the threads run");
  thread([&l, fence] {
    l.x.store(1, kRelaxed);
    std::atomic_thread_fence(fence);
    l.seen[0] = l.y.load(kRelaxed);
  });
  thread([&l, fence] {
    l.y.store(1, kRelaxed);
    std::atomic_thread_fence(fence);
    l.seen[1] = l.x.load(kRelaxed);
  });
  at_end([&l, goal, allowed] {
    const bool neither = l.seen[0] == 0 && l.seen[1] == 0;
    if (allowed) return reached_if_weak(goal, neither);
    reached(goal);
    if (neither) engine().fail("neither thread sees the other's store");
  });
}

// Forbidden: x is read as 0 after the flag y was read as 1.
void message_passing(std::memory_order release, std::memory_order acquire, bool allowed) {
  Litmus& l = state<Litmus>();
  const unsigned goal = declare_goal(allowed ? "the flag is seen without the message" : "the flag is seen");
  thread([&l, release, allowed] {
    l.x.store(1, kRelaxed);
    if (!allowed) engine().plain(&l.plain, sizeof l.plain, true, "the message");
    std::atomic_thread_fence(release);
    l.y.store(1, kRelaxed);
  });
  thread([&l, acquire, goal, allowed] {
    if (l.y.load(kRelaxed) == 0) return;
    std::atomic_thread_fence(acquire);
    if (!allowed) engine().plain(&l.plain, sizeof l.plain, false, "the message");
    const bool missed = l.x.load(kRelaxed) == 0;
    if (allowed) return reached(goal, missed);
    reached(goal);
    if (missed) engine().fail("the flag is seen without the message");
  });
  at_end([goal, allowed] {
    if (allowed) reached_if_weak(goal, false);
  });
}

}  // namespace

FALLOW_SCENARIO(FencesOrderStoresBeforeLoads, "the model: seq_cst fences forbid store buffering") {
  store_buffering(kSeqCst, false);
}
FALLOW_SCENARIO(WeakerFencesDoNot, "the model: acq_rel fences allow store buffering") {
  store_buffering(std::memory_order_acq_rel, true);
}
FALLOW_SCENARIO(FencesPassAMessage, "the model: a release and an acquire fence synchronise") {
  message_passing(std::memory_order_release, std::memory_order_acquire, false);
}
FALLOW_SCENARIO(ReleaseAloneDoesNot, "the model: a release fence needs its acquire") {
  message_passing(std::memory_order_release, kRelaxed, true);
}
FALLOW_SCENARIO(AcquireAloneDoesNot, "the model: an acquire fence needs its release") {
  message_passing(kRelaxed, std::memory_order_acquire, true);
}

FALLOW_SCENARIO(FencesAgreeOnIndependentStores,
                "the model: seq_cst fences forbid that two readers disagree") {
  Litmus& l = state<Litmus>();
  thread([&l] { l.x.store(1, kRelaxed); });
  thread([&l] { l.y.store(1, kRelaxed); });
  const auto read = [&l](std::atomic<unsigned>& first, std::atomic<unsigned>& then, unsigned at) {
    l.seen[at] = first.load(kRelaxed);
    std::atomic_thread_fence(kSeqCst);
    l.seen[at + 1] = then.load(kRelaxed);
  };
  thread([&l, read] { read(l.x, l.y, 0); });
  thread([&l, read] { read(l.y, l.x, 2); });
  at_end([&l] {
    if (l.seen == std::array{1U, 0U, 1U, 0U}) engine().fail("two readers disagree on which store came first");
  });
}

FALLOW_SCENARIO(AccessesOrderStoresBeforeLoads, "the model: seq_cst accesses forbid store buffering") {
  Litmus& l = state<Litmus>();
  thread([&l] {
    l.x.store(1, kSeqCst);
    l.seen[0] = l.y.load(kSeqCst);
  });
  thread([&l] {
    l.y.store(1, kSeqCst);
    l.seen[1] = l.x.load(kSeqCst);
  });
  at_end([&l] {
    if (l.seen[0] == 0 && l.seen[1] == 0) engine().fail("neither thread sees the other's store");
  });
}

// [atomics.order] 4.2 and 4.3: one end has seq_cst accesses, the other has a fence.
FALLOW_SCENARIO(FenceAgainstAccesses,
                "the model: a seq_cst fence and seq_cst accesses forbid store buffering") {
  Litmus& l = state<Litmus>();
  thread([&l] {
    l.x.store(1, kSeqCst);
    l.seen[0] = l.y.load(kSeqCst);
  });
  thread([&l] {
    l.y.store(1, kRelaxed);
    std::atomic_thread_fence(kSeqCst);
    l.seen[1] = l.x.load(kRelaxed);
  });
  at_end([&l] {
    if (l.seen[0] == 0 && l.seen[1] == 0) engine().fail("neither thread sees the other's store");
  });
}
FALLOW_SCENARIO(FenceAfterAStoreInTimeAlone,
                "the model: a seq_cst store need not precede a later fence in S") {
  Litmus& l = state<Litmus>();
  const unsigned goal = declare_goal("the later store is seen, but the seq_cst store is not");
  thread([&l] {
    l.x.store(1, kSeqCst);
    l.y.store(1, kRelaxed);
  });
  thread([&l] {
    l.seen[0] = l.y.load(kRelaxed);
    std::atomic_thread_fence(kSeqCst);
    l.seen[1] = l.x.load(kRelaxed);
  });
  at_end([&l, goal] { reached_if_weak(goal, l.seen[0] == 1 && l.seen[1] == 0); });
}

}  // namespace fallow::explore
