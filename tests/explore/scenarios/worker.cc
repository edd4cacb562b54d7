// The worker, concurrent with frees that make work for it and with other callers of run().
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

FALLOW_SCENARIO(BlockFreedBesideRest,
                "MO-5, R4: a block that is freed while the worker comes to rest is not lost") {
  World& w = single_blocks(2);
  const Pfn pfn = w.allocate(0, 9).pfn;
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  const unsigned looked = declare_goal("the worker finds the block before it rests"),
                 fired = declare_goal("the free uses up the credit");
  bool& rested = state<bool>(false);
  thread([&] {
    w.work(1);
    rested = !w.reporter().reporting_requested(0);
  });
  thread([&w, pfn] { w.free(0, pfn, 9); });
  at_end([&w, &rested, looked, fired] {
    reached(looked, w.device().frames() == 1024);
    reached(fired, rested && w.reporter().reporting_requested(0));
    w.settle();
  });
}

FALLOW_SCENARIO(
    FramesFreedBesideRest,
    "MO-5, R4: two frames of a word that are freed while the worker comes to rest are not lost (order 1)") {
  World& w = single_frames(48);
  const Pfn pfn = w.allocate(0, 1).pfn;
  w.retire(0);
  w.register_device(state<HwmPolicy>(Order{1}, 1U));
  const unsigned looked = declare_goal("the worker finds the frames before it rests"),
                 fired = declare_goal("the free uses up the credit");
  bool& rested = state<bool>(false);
  thread([&] {
    w.work(1);
    rested = !w.reporter().reporting_requested(0);
  });
  thread([&w, pfn] {
    w.free(0, pfn, 1);
    w.drain(0);
  });
  at_end([&w, &rested, looked, fired] {
    reached(looked, w.device().frames() == 2);
    reached(fired, rested && w.reporter().reporting_requested(0));
    w.settle();
  });
}

FALLOW_SCENARIO(RunFreedBesideRest,
                "MO-5, R4: a run of two words that is freed while the worker comes to rest is not lost") {
  World& w = few_frames(128);
  const Pfn pfn = w.allocate(0, 6).pfn;
  w.register_device(state<HwmPolicy>(Order{5}, 1U));
  const unsigned fired = declare_goal("the free uses up the credit");
  bool& rested = state<bool>(false);
  thread([&] {
    w.work(1);
    rested = !w.reporter().reporting_requested(0);
  });
  thread([&w, pfn] { w.free(0, pfn, 6); });
  at_end([&w, &rested, fired] {
    reached(fired, rested && w.reporter().reporting_requested(0));
    w.settle();
  });
}

FALLOW_SCENARIO(
    FrameReportedBeforeItsFreeEnds,
    "MO-4, R4: a frame that is reported before its block counts it as free does not hide another frame") {
  World& w = world({{}, {3}, 1});
  const Pfn pfn = w.allocate(0).pfn;
  w.register_device(state<HwmPolicy>(Order{0}, 1U));
  report_all(w);
  w.retire(0);
  bool& freed = state<bool>(false);
  thread([&w, &freed, pfn] {
    w.free(0, pfn);
    w.drain(0);
    freed = true;
  });
  thread([&w, &freed, early = declare_goal("two frames are reported before the free ends")] {
    w.work(1);
    reached(early, !freed && w.device().frames() >= 2 && w.oracle().unreported({}).of[0] == 1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(WordGivenBackBesideRest,
                "MO-4, MO-5, R4: a word that a run takes and gives back is not lost to a worker that rests") {
  World& w = world_with(2, {{0, 80}, {96, 16}});
  const Pfn pfn = w.allocate(0, 6).pfn;
  w.register_device(state<HwmPolicy>(Order{5}, 1U));
  report_all(w);
  w.free(0, pfn, 6);
  bool& rested = state<bool>(false);
  const unsigned given_back = declare_goal("the worker rests while the run has its first word");
  thread([&w, &rested, given_back] {
    const bool refused = !w.allocate(0, 6).ok;
    reached(given_back, refused && rested && w.device().frames() == 0);
  });
  thread([&w, &rested] {
    w.allocate(1, 5);
    w.work(1);
    rested = !w.reporter().reporting_requested(0);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(TwoFreesUseUpTheCredit,
                "R3, RPT-6: two frees cross the threshold together, and exactly one flags the zone") {
  World& w = single_blocks(3, 2);
  w.register_device(state<HwmPolicy>(Order{9}, 2U));
  report_all(w);
  const Pfn first = w.allocate(0, 9).pfn, second = w.allocate(1, 9).pfn;
  thread([&w, first] { w.free(0, first, 9); });
  thread([&w, second] { w.free(1, second, 9); });
  at_end([&w, flagged = declare_goal("the zone is flagged")] {
    reached(flagged, w.reporter().reporting_requested(0));
    w.settle();
  });
}

FALLOW_SCENARIO(HalvesOfAPairAreFreed,
                "MO-5: two halves of a pair are freed concurrently, and the later free counts the pair") {
  World& w = world({{}, {2048}, 2});
  w.withhold({1024 + 64}, {1024 - 64});
  w.register_device(state<HwmPolicy>(Order{10}, 1U));
  report_all(w);
  const Pfn first = w.allocate(0, 9).pfn, second = w.allocate(1, 9).pfn;
  thread([&w, first] { w.free(0, first, 9); });
  thread([&w, second] { w.free(1, second, 9); });
  at_end([&w, again = declare_goal("the pair is reported once more")] {
    w.settle();
    reached(again, w.device().requests() >= 2);
  });
}

FALLOW_SCENARIO(HalfOfAPairFreedBesideRest,
                "MO-5: the second half of a pair is freed while the worker comes to rest") {
  World& w = world({{}, {2048}, 1});
  w.withhold({1024 + 64}, {1024 - 64});
  const Pfn pfn = w.allocate(0, 9).pfn;
  w.register_device(state<HwmPolicy>(Order{10}, 1U));
  bool& rested = state<bool>(false);
  thread([&] {
    w.work(1);
    rested = !w.reporter().reporting_requested(0);
  });
  thread([&w, pfn] { w.free(0, pfn, 9); });
  at_end([&w, &rested, fired = declare_goal("the free uses up the credit")] {
    reached(fired, rested && w.reporter().reporting_requested(0));
    w.settle();
  });
}

FALLOW_SCENARIO(FreeBesideAGrant,
                "MO-5, RPT-6: the credit is reduced by what the second look of the worker finds") {
  World& w = single_blocks(4);
  w.register_device(state<HwmPolicy>(Order{9}, 3U));
  report_all(w);
  Pfn* const pfns = state<std::array<Pfn, 4>>().data();
  for (unsigned i = 0; i < 4; ++i) pfns[i] = w.allocate(0, 9).pfn;
  w.forget();
  thread([&w] { w.work(1); });
  thread([&w, pfns] { w.free(0, pfns[0], 9); });
  at_end([&w, pfns, below = declare_goal("the worker rests below the threshold")] {
    reached(below, !w.reporter().reporting_requested(0));
    w.free(0, pfns[1], 9);
    w.free(0, pfns[2], 9);
    w.settle();
  });
}

FALLOW_SCENARIO(CallBesideARound, "MO-8: a call of the worker that finds it busy is not lost") {
  World& w = single_blocks(2);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  report_all(w);
  const Pfn pfn = w.allocate(0, 9).pfn;
  const unsigned busy = declare_goal("the worker is busy when it is called");
  thread([&w] { w.call_worker(); });
  thread([&w, pfn, busy] {
    w.free(0, pfn, 9);
    w.work(1);
    reached(busy, w.device().requests() == 2);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ThreeCallersOfTheWorker, "MO-8: a third call does not hide the work of the second") {
  World& w = single_blocks(1);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  report_all(w);
  const Pfn pfn = w.allocate(0, 9).pfn;
  for (unsigned i = 0; i < 2; ++i) thread([&w] { w.call_worker(); });
  thread([&w, pfn] {
    w.free(0, pfn, 9);
    w.work(1);
  });
  at_end([&w, again = declare_goal("the block is reported once more")] {
    reached(again, w.device().requests() == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(TwoWakeups, "MO-8, R4: two threads each free a block and call the worker") {
  World& w = single_blocks(2, 2);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  report_all(w);
  const Pfn first = w.allocate(0, 9).pfn, second = w.allocate(1, 9).pfn;
  thread([&w, first] {
    w.free(0, first, 9);
    w.work(1);
  });
  thread([&w, second] { w.free(1, second, 9); });
  at_end([&w, both = declare_goal("both blocks are reported by the threads")] {
    reached(both, w.device().requests() == 4);
    w.settle();
  });
}

FALLOW_SCENARIO(AgedBlockFreedBesideATick,
                "MO-5, R4: a block that is freed beside a pass of `aged` becomes old, and is reported") {
  World& w = single_blocks(2);
  const Pfn pfn = w.allocate(0, 9).pfn;
  w.register_device(state<AgedPolicy>(Order{9}));
  w.work(4, milliseconds(100));
  const unsigned one = declare_goal("the first block is reported meanwhile");
  thread([&w] { w.work(2, milliseconds(50)); });
  thread([&w, pfn] { w.free(0, pfn, 9); });
  at_end([&w, one] {
    reached(one, w.device().frames() == 512);
    w.settle();
  });
}

FALLOW_SCENARIO(AgedFrameFreedBesideATick,
                "MO-5, R4: a frame that is freed beside a pass of `aged` becomes old, and is reported") {
  World& w = few_frames(64);
  const Pfn pfn = w.allocate(0, 5).pfn;
  w.register_device(state<AgedPolicy>(Order{0}));
  w.work(4, milliseconds(100));
  const unsigned one = declare_goal("the first frames are reported meanwhile");
  thread([&w] { w.work(2, milliseconds(50)); });
  thread([&w, pfn] {
    w.free(0, pfn);
    w.drain(0);
  });
  at_end([&w, one] {
    reached(one, w.device().frames() >= 32);
    w.settle();
  });
}

FALLOW_SCENARIO(BlockFreedBesideALinuxPass,
                "MO-5, R4: a block that is freed beside a pass of `linux` is reported 2 s later") {
  World& w = single_blocks(2);
  const Pfn pfn = w.allocate(0, 9).pfn;
  w.device().entries = 1;
  w.register_device(state<LinuxPolicy>(Order{9}));
  const unsigned fired = declare_goal("the free uses up the credit");
  bool& rested = state<bool>(false);
  thread([&] {
    w.work(1, LinuxPolicy::kDelay);
    rested = !w.reporter().reporting_requested(0);
  });
  thread([&w, pfn] { w.free(0, pfn, 9); });
  at_end([&w, &rested, fired] {
    reached(fired, rested && w.reporter().reporting_requested(0));
    w.settle();
  });
}

}  // namespace fallow::explore
