// Reported frames and promises that a device left behind: forgotten, or met by another device.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {
namespace {

// Two blocks, a device that has reported all free frames, and a worker at rest.
World& reported_blocks(Content promise = Content::Unknown, std::uint32_t threshold = 1) {
  World& w = single_blocks(2);
  w.device().promises = promise;
  w.register_device(state<HwmPolicy>(Order{9}, threshold));
  report_all(w);
  return w;
}

}  // namespace

FALLOW_SCENARIO(ForgetBesideAPass,
                "R10, RPT-8: reported frames are forgotten while the worker makes a pass") {
  World& w = single_blocks(2);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  thread([&w] { w.work(1); });
  thread([&w] { w.forget(); });
  at_end([&w, cut = declare_goal("the pass is cut short")] {
    reached(cut, w.device().requests() == 1);
    w.settle();
  });
}

FALLOW_SCENARIO(ForgetBesideACompletion, "R10, RPT-3: forgetting waits for the request in flight") {
  World& w = single_blocks(2);
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  w.work(1);
  thread([&w] { w.forget(); });
  thread([&w] { w.complete_next(Status::Ok); });
  at_end([&w, taken = declare_goal("the request is taken")] {
    reached(taken, w.device().taken() == 1);
    w.settle();
  });
}

FALLOW_SCENARIO(ForgetBesideAFailure, "R10, R7: the back-off of a request that failed ends with forgetting") {
  World& w = single_blocks(2);
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 32U));
  w.work(1);
  thread([&w] {
    w.forget();
    w.work(1);
  });
  thread([&w] { w.complete_next(Status::Failed); });
  at_end([&w, again = declare_goal("all free frames are reported at once")] {
    reached(again, w.device().taken() == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(ForgetWaitsForAFailure,
                "R10, RPT-9: forgetting ends the back-off of a failure that it waited for") {
  World& w = single_blocks(1);
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  w.work(1);
  bool& returned = state<bool>(false);
  thread([&w, &returned] {
    w.forget();
    returned = true;
  });
  thread([&w, &returned, again = declare_goal("a pass begins before forget_reported() has returned")] {
    w.complete_next(Status::Failed);
    w.port().relax();
    w.call_worker();
    reached(again, !returned && w.device().taken() == 1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ForgetBesideAllocation,
                "R10, RPT-10: no allocation learns of a promise whose frames are being forgotten") {
  World& w = reported_blocks(Content::Zero);
  thread([&w] { w.allocate(0, 9); });
  thread([&w] {
    w.forget();
    w.work(1);
  });
  at_end([&w, anew = declare_goal("a block is reported again")] {
    reached(anew, w.device().requests() > 2);
    w.settle();
  });
}

FALLOW_SCENARIO(
    ForgetBesideAFree,
    "R10, MO-5: a block that is freed while reported frames are forgotten is reported or counted") {
  World& w = reported_blocks();
  const Pfn pfn = w.allocate(0, 9).pfn;
  thread([&w, pfn] { w.free(0, pfn, 9); });
  thread([&w] { w.forget(); });
  at_end([&w, anew = declare_goal("both blocks are reported again")] {
    w.settle();
    reached(anew, w.device().frames() >= 4 * 512);
  });
}

FALLOW_SCENARIO(ForgetBesideUnregister, "R9, R10: forgetting during unregistering flags no zone") {
  World& w = reported_blocks();
  thread([&w] { w.forget(); });
  thread([&w] { w.unregister_device(); });
  at_end([&w, gone = declare_goal("the report bits are gone")] {
    reached(gone, w.oracle().reported_frames() == 0);
    if (w.reporter().reporting_requested(0)) engine().fail("R9: a flag stays set after unregistering");
    w.settle();
  });
}

FALLOW_SCENARIO(AnotherPromiseBesideAllocation,
                "R12: a promise does not cover frames that were reported without one") {
  World& w = reported_blocks();
  w.unregister_device();
  thread([&w] { w.allocate(0, 9); });
  thread([&w] {
    w.device().promises = Content::Zero;
    w.register_device(state<HwmPolicy>(Order{9}, 1U));
  });
  at_end([&w, refault = declare_goal("a reported block is allocated")] {
    reached(refault, w.oracle().refaults() == 512);
    w.settle();
  });
}

FALLOW_SCENARIO(PoisonAfterZeroBesideAllocation,
                "R12: a promise does not cover frames that were reported under another promise") {
  World& w = reported_blocks(Content::Zero);
  w.unregister_device();
  const Pfn pfn = w.allocate(0, 9).pfn;
  w.free(0, pfn, 9);
  w.drain(0);
  thread([&w] { w.allocate(0, 9); });
  thread([&w] {
    w.device().promises = Content::Poison;
    w.register_device(state<HwmPolicy>(Order{9}, 1U));
    w.work(1);
  });
  at_end([&w, reported = declare_goal("the block is reported under the new promise")] {
    reached(reported, w.device().requests() == 3);
    w.settle();
  });
}

}  // namespace fallow::explore
