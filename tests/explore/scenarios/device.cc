// Allocations concurrent with reports of their frames.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

FALLOW_SCENARIO(BlockBesideItsReport,
                "R6, R8, R11: a block is allocated during a pass that reports the block") {
  World& w = single_blocks(2);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  thread([&w] { w.work(1); });
  thread([&w] {
    w.allocate(0, 9);
    w.allocate(0, 9);
  });
  at_end([&w, refault = declare_goal("a reported block is allocated"),
          fresh = declare_goal("a block is allocated first"),
          both = declare_goal("no allocation is refused")] {
    reached(refault, w.oracle().refaults() != 0);
    reached(fresh, w.oracle().refaults() < 1024);
    reached(both, w.refusals() == 0);
    w.settle();
  });
}

FALLOW_SCENARIO(
    PairBesideItsRequest,
    "R6, R8, R11: a pair is allocated during a pass that reports its two halves one after the other") {
  World& w = world({{}, {1024}, 1});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  thread([&w] { w.work(1); });
  thread([&w] { w.allocate(0, 10); });
  at_end([&w, half = declare_goal("one half is reported first"),
          pair = declare_goal("both halves are reported")] {
    reached(half, w.oracle().refaults() == 512);
    reached(pair, w.oracle().refaults() == 1024);
    w.settle();
  });
}

FALLOW_SCENARIO(RefaultBesideAPass,
                "R8: exactly what is allocated and freed during a pass is reported again") {
  World& w = single_blocks(2);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  w.work(1);
  thread([&w] {
    const Got got = w.allocate(0, 9);
    if (got.ok) w.free(0, got.pfn, 9);
  });
  thread([&w] { w.work(2); });
  at_end([&w, again = declare_goal("a block is reported again")] {
    reached(again, w.device().requests() == 3);
    w.settle();
  });
}

FALLOW_SCENARIO(
    FrameOfAReportedBlock,
    "R8: a reported block is split for one frame during a pass, and its other frames stay reported") {
  World& w = single_blocks(2, 2);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  report_all(w);
  const Pfn pfn = w.allocate(0, 9).pfn;
  w.withhold({1536}, {64});
  thread([&w] { w.allocate(1); });
  thread([&w, pfn] {
    w.free(0, pfn, 9);
    w.work(1);
  });
  at_end([&w, split = declare_goal("a frame of a reported block is allocated")] {
    reached(split, w.oracle().refaults() == 513);
    w.settle();
  });
}

FALLOW_SCENARIO(AllocationFromInsideReport,
                "R11: an allocation by a device inside report() is refused and does not wait for itself") {
  World& w = single_blocks(2, 2);
  w.allocate(0, 9);
  unsigned& refused = state<unsigned>(0U);
  struct Inside {
    World* world;
    unsigned* refused;
  };
  w.device().context = &state<Inside>(Inside{&w, &refused});
  w.device().inside = [](void* context) {
    const Inside& inside = *static_cast<Inside*>(context);
    const Allocation got = inside.world->zone().cache(1).allocate(Order{9});
    if (got.ok()) engine().fail("R6: a device is given frames that it is being shown");
    *inside.refused += 1;
  };
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  thread([&w] { w.work(1); });
  thread([&w] { w.allocate(0, 0); });
  at_end([&w, &refused, is = declare_goal("an allocation inside report() is refused")] {
    reached(is, refused == 1);
    w.device().inside = nullptr;
    w.settle();
  });
}

FALLOW_SCENARIO(NoMemoryBesideAnUnrelatedRequest,
                "R11: an allocation is refused at once if no request in flight can provide its frames") {
  World& w = single_blocks(2, 2);
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  w.work(1);
  thread([&w] { w.allocate(0, 10); });
  thread([&w] { w.allocate(1, 9); });
  at_end([&w, held = declare_goal("the request is in flight all the time")] {
    reached(held, w.device().in_flight() == 1 && w.refusals() == 1);
    w.settle();
  });
}

FALLOW_SCENARIO(FailureBesideAllocation, "R7, R11: frames of a request that fails are allocated or retried") {
  World& w = single_blocks(2);
  w.device().answer({Status::Failed});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  thread([&w] { w.work(1); });
  thread([&w] { w.allocate(0, 9); });
  at_end([&w, failed = declare_goal("a request fails")] {
    reached(failed, w.device().failed() == 1);
    w.settle();
  });
}

FALLOW_SCENARIO(PromisedBlockBesideAPass,
                "R12: an allocation learns that its block holds zeros if the block was reported") {
  World& w = single_blocks(2);
  w.device().promises = Content::Zero;
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  thread([&w] { w.work(1); });
  thread([&w] { w.allocate(0, 9); });
  at_end([&w, refault = declare_goal("a reported block is allocated")] {
    reached(refault, w.oracle().refaults() == 512);
    w.settle();
  });
}

FALLOW_SCENARIO(LinuxPassBesideAllocation, "R6, R11: a block is allocated during a pass of `linux`") {
  World& w = single_blocks(2);
  w.device().entries = 1;
  w.register_device(state<LinuxPolicy>(Order{9}));
  thread([&w] { w.work(1, LinuxPolicy::kDelay); });
  thread([&w] { w.allocate(0, 9); });
  at_end([&w, refault = declare_goal("a reported block is allocated"),
          fresh = declare_goal("a block is allocated first")] {
    reached(refault, w.oracle().refaults() == 512);
    reached(fresh, w.oracle().refaults() == 0);
    w.settle();
  });
}

FALLOW_SCENARIO(AgedPassBesideAllocation,
                "R6, R11: frames are allocated during a pass of `aged` down to order 5") {
  World& w = few_frames(48);
  w.register_device(state<AgedPolicy>(Order{5}));
  thread([&w] { w.work(1, AgedPolicy::kDefaultAge); });
  allocate_beside_a_pass(w);
}

FALLOW_SCENARIO(FreeOfAStarvedZone,
                "R11, RPT-12, MO-25: a free that ends a shortage of frames wakes the worker") {
  World& w = few_frames(48);
  const Pfn pfn = w.allocate(0, 5).pfn;
  w.retire(0);
  w.register_device(state<HwmPolicy>(Order{4}, 1U));
  bool& rested = state<bool>(false);
  thread([&] {
    w.work(1);
    rested = !w.reporter().reporting_requested(0);
  });
  thread([&w, pfn] {
    w.free(0, pfn, 5);
    w.drain(0);
  });
  at_end([&w, &rested, fired = declare_goal("the free wakes the worker")] {
    reached(fired, rested && w.reporter().reporting_requested(0));
    w.settle();
  });
}

FALLOW_SCENARIO(StatisticsBesideAPass, "R14: counts that are read during a pass agree with each other") {
  World& w = single_blocks(2);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  const unsigned between = declare_goal("the counts are read between two requests");
  thread([&w] { w.work(1); });
  thread([&w, between] {
    const ReportingStats s = w.reporter().stats();
    if (s.in_flight > 1 || s.requests > 2 || s.failures != 0 || s.reported.raw > 1024)
      engine().fail("R14: the counts were never true together");
    reached(between, s.requests == 1);
  });
  at_end([&w] { w.settle(); });
}

}  // namespace fallow::explore
