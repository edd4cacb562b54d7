// The reporter does not miss frames that become free concurrently with other operations on their block.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

FALLOW_SCENARIO(FreeBesideACompletionOfItsBlock,
                "MO-4, MO-5, R4: a word is freed while another word of its block is put back as reported") {
  World& w = crowded_block(64);
  const Pfn pfn = w.allocate(0, 5).pfn;
  w.retire(0);
  w.device().answer({Status::Pending});
  w.device().depths = 2;
  w.register_device(state<HwmPolicy>(Order{5}, 1U));
  report_all(w);
  reached(declare_goal("a request is in flight"), w.device().in_flight() == 1);
  thread([&w, pfn] {
    w.free(0, pfn, 5);
    w.drain(0);
    w.work(1);
  });
  thread([&w] { w.complete_next(Status::Ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ReservationBesideRest,
                "MO-4, MO-5, R4: frames that were reported after their reservation are taken") {
  World& w = crowded_block(48);
  w.device().entries = 1;
  const Pfn word = w.allocate(0, 5).pfn, half = w.allocate(0, 4).pfn;
  w.free(0, word, 4);
  w.retire(0);
  w.register_device(state<HwmPolicy>(Order{4}, 1U));
  report_all(w);
  w.free(0, word + PfnCount{16}, 4);
  w.free(0, half, 4);
  w.retire(0);
  const unsigned taken = declare_goal("a frame is allocated");
  thread([&w, taken] { reached(taken, w.allocate(0).ok); });
  thread([&w] { w.work(1); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(FreeBesideADrainOfItsBlock,
                "MO-4, MO-5, R4: a frame is freed while a reported hand goes back to its block") {
  World& w = few_frames(64, 2);
  const Pfn pfn = w.allocate(0, 5).pfn;
  w.retire(0);
  w.register_device(state<HwmPolicy>(Order{0}, 1U));
  report_all(w);
  const unsigned hand_held = declare_goal("a hand of reported frames is held");
  reached(hand_held, w.allocate(1).ok);
  thread([&w, pfn] {
    w.free(0, pfn);
    w.drain(0);
    w.work(1);
  });
  thread([&w] { w.drain(1); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(FrameBesideItsReport,
                "R6, R8, R11: one frame is allocated beside a pass that reports its word") {
  World& w = few_frames(48);
  w.register_device(state<HwmPolicy>(Order{0}, 1U));
  thread([&w] { w.work(1); });
  allocate_beside_a_pass(w);
}

// fired() reads the delay before the flag: with two registrations, the delay may be from the first, and the
// flag from the second.
FALLOW_SCENARIO(RegisterAgainBesideAFree,
                "R9, R10: a free that fires under one registration does not delay the next") {
  World& w = single_blocks(2);
  w.device().entries = 1;
  w.register_device(state<LinuxPolicy>(Order{9}));
  report_all(w);
  const Pfn pfn = w.allocate(0, 9).pfn;
  thread([&w, pfn] { w.free(0, pfn, 9); });
  thread([&w] {
    w.unregister_device();
    w.register_device(state<HwmPolicy>(Order{9}, 1U));
    w.work(2);
  });
  at_end([&w, at_once = declare_goal("the block is reported at once")] {
    reached(at_once, w.device().requests() == 3);
    const Nanoseconds next = w.port().next_deadline();
    if (next != kNever && next > w.port().now() + Reporter::kFirstRetry)
      engine().fail("a free of an earlier registration delays the worker");
    w.settle();
  });
}

// An attempt closes half of a pair, finds the other half taken, and opens it again. In between, the pass that
// is to retry failed frames visits the block; below the threshold it does not return for it.
FALLOW_SCENARIO(RetryBesideAFailingPair,
                "R7: frames of a failed request are retried although an allocation holds them for a moment") {
  World& w = world({{}, {2048}, 2});
  w.withhold({1024 + 64}, {1024 - 64});
  w.device().answer({Status::Failed});
  w.register_device(state<HwmPolicy>(Order{9}, 32U));
  w.work(1);
  thread([&w] { w.allocate(0, 10); });
  thread([&w] {
    w.allocate(1, 9);
    w.work(1, Reporter::kFirstRetry);
  });
  at_end([&w, refused = declare_goal("the pair is refused")] {
    reached(refused, w.refusals() == 1);
    w.settle();
  });
}

// A word is put back: its frames are reported there and not yet counted in `reported_frames`. An allocation
// takes them, so that `reported_frames` wraps below zero while the worker reads the block.
FALLOW_SCENARIO(ReportedFramesWrapBesideALook,
                "R4, ZONE-3: unreported frames are counted while `reported_frames` is below zero") {
  World& w = crowded_block(64, 2);
  const Pfn back = w.allocate(0, 5).pfn, freed = w.allocate(0, 5).pfn;
  w.free(0, back, 5);
  w.retire(0);
  w.device().answer({Status::Pending});
  w.device().depths = 2;
  w.register_device(state<HwmPolicy>(Order{5}, 1U));
  report_all(w);
  const unsigned taken = declare_goal("the word that is put back is taken");
  thread([&w] { w.complete_next(Status::Ok); });
  thread([&w, freed, taken] {
    w.free(0, freed, 5);
    w.drain(0);
    reached(taken, w.allocate(1, 5).ok);
    w.work(1);
  });
  at_end([&w] { w.settle(); });
}

}  // namespace fallow::explore
