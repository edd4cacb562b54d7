// At least one scenario for each fault that an explorer found in this core. Each failed before the fix.
#include "tests/explore/world/scenario.h"

namespace fallow::explore {

// A run was read with reported frames, isolated meanwhile, and announced with reported frames that are gone.
// Putting back two words then made `reported_frames` overflow.
FALLOW_SCENARIO(ReportedFramesOverflowIntoTheOwner, "ZONE-1, ZONE-3: report bits that were announced twice") {
  World& w = world({{}, {1024}, 2});
  w.withhold({192}, {832});
  w.report_from(5);
  const unsigned both = declare_goal("the run was taken during a report");
  thread([&w, both] { reached(both, w.allocate(0, 6).ok); });
  thread([&w] { w.report({.order = {5}}, {64}); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(TwoAnnounceTheSameReportBits,
                "ZONE-1, ZONE-3: two runs and a hand with the same report bits") {
  World& w = world({{}, {1024}, 3});
  w.withhold({48}, {16});
  w.withhold({96}, {928});
  w.report_from(4);
  w.report({.order = {4}}, {48}, true, 1);
  w.allocate(1);
  const unsigned runs = declare_goal("both runs were taken");
  bool& first = state<bool>(false);
  bool& second = state<bool>(false);
  thread([&] { first = w.allocate(0, 4).ok; });
  thread([&] { second = w.allocate(2, 4).ok; });
  thread([&w] { w.drain(1); });
  at_end([&w, runs, &first, &second] {
    reached(runs, first && second);
    w.settle();
  });
}

// The worker comes to rest while a request fails.
FALLOW_SCENARIO(FailureBesideRest, "R7: a request that fails while the worker comes to rest is retried") {
  World& w = world({{}, {1024}, 1});
  w.withhold({512}, {256});  // the other half of the zone keeps it from being short of frames
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 32U));
  const unsigned fails = declare_goal("a request fails");
  thread([&w] { w.work(3); });
  thread([&w] { w.complete_next(Status::Failed); });
  at_end([&w, fails] {
    reached(fails, w.device().failed() > 0);
    w.settle();
  });
}

// Between the reads of the report bits and of the promise, another device registered, whose promise does not
// cover them.
static World& reported_with_unknown_content(std::uint64_t free) {
  World& w = world({{}, {1024}, 1});
  w.withhold({free}, {1024 - free});
  w.report_from(free < 512 ? 0 : 9);
  w.report({.order = {free < 512 ? std::uint8_t{0} : std::uint8_t{9}}}, {1024});
  return w;
}
static void register_with_known_content(World& w) {
  w.forget();
  w.device().promises = Content::Zero;
  w.register_device(state<HwmPolicy>(Order{9}, 32U));
}
FALLOW_SCENARIO(
    PromiseAfterTheReportBitsOfABlock,
    "R12: frames that were reported to an earlier device do not have the content that a later one promised") {
  World& w = reported_with_unknown_content(512);
  thread([&w] { w.allocate(0, 9); });
  thread([&w] { register_with_known_content(w); });
  at_end([&w] { w.settle(); });
}
FALLOW_SCENARIO(
    PromiseAfterTheReportBitsOfARun,
    "R12: frames that were reported to an earlier device do not have the content that a later one promised") {
  World& w = reported_with_unknown_content(64);
  thread([&w] { w.allocate(0, 6); });
  thread([&w] { register_with_known_content(w); });
  at_end([&w] { w.settle(); });
}
FALLOW_SCENARIO(
    PromiseAfterTheReportBitsOfAHand,
    "R12: frames that were reported to an earlier device do not have the content that a later one promised") {
  World& w = reported_with_unknown_content(32);
  thread([&w] {
    w.allocate(0);
    w.allocate(0);
  });
  thread([&w] { register_with_known_content(w); });
  at_end([&w] { w.settle(); });
}

// Half of a pair looks allocated for a moment.
FALLOW_SCENARIO(DoubleFreeBesideAFailingPair, "misuse has no effect") {
  World& w = world({{}, {1024}, 2});
  const unsigned fails = declare_goal("the pair is refused");
  thread([&w] { w.allocate(0, 10); });
  thread([&w] {
    if (w.allocate(1).ok) w.misuse(1, {7});
  });
  at_end([&w, fails] {
    reached(fails, w.refusals() == 1);
    w.settle();
  });
}
FALLOW_SCENARIO(DoubleFreeOfABlockBesideAFailingPair, "misuse has no effect") {
  World& w = world({{}, {1024}, 2});
  thread([&w] { w.allocate(0, 10); });
  thread([&w] {
    if (w.allocate(1).ok) w.misuse(1, {0}, 9);
  });
  at_end([&w] { w.settle(); });
}

// During a free, a word shows more free frames than its entry has room for.
FALLOW_SCENARIO(RefillBesideAFlush,
                "an allocation does not spin while another thread is between word and entry") {
  World& w = world({{}, {1024}, 2});
  w.withhold({512}, {512});
  const Pfn pfn = w.allocate(1, 3).pfn;
  for (unsigned i = 0; i < 504; ++i) w.allocate(1);
  w.free(1, pfn);
  w.retire(1);
  const unsigned took = declare_goal("a frame is found");
  thread([&w, took] { reached(took, w.allocate(0).ok); });
  thread([&w, pfn] {
    w.free(1, pfn + PfnCount{1});
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

// Frames that an attempt takes and gives back are missing for other threads for a moment.
FALLOW_SCENARIO(FrameBesideAFailingPair, "NoMemory only if nothing is free: half of a pair") {
  World& w = world({{}, {1024}, 2});
  thread([&w] { w.allocate(0, 10); });
  thread([&w] {
    w.allocate(1, 9);
    w.allocate(1);
  });
  at_end([&w] { w.settle(); });
}
FALLOW_SCENARIO(BlockBesideAFailingPair, "NoMemory only if nothing is free: half of a pair") {
  World& w = world({{}, {1024}, 2});
  thread([&w] { w.allocate(0, 10); });
  thread([&w] {
    w.allocate(1);
    w.allocate(1, 9);
  });
  at_end([&w] { w.settle(); });
}
FALLOW_SCENARIO(FrameBesideForgetting,
                "NoMemory only if nothing is free: the reservation of forget_reported()") {
  World& w = world({{}, {1024}, 2});
  w.withhold({1}, {1023});
  w.report_from(0);
  w.report({.order = {0}}, {1024});
  thread([&w] { w.zone().forget_reported(); });
  thread([&w] { w.allocate(1); });
  at_end([&w] { w.settle(); });
}
FALLOW_SCENARIO(BlockBesideForgetting,
                "NoMemory only if nothing is free: the reservation of forget_reported()") {
  World& w = world({{}, {1024}, 2});
  w.withhold({512}, {512});
  const Pfn pfn = w.allocate(0, 0).pfn;
  w.drain(0);
  w.report_from(5);
  w.report({.order = {5}}, {1024});
  w.free(0, pfn);
  w.retire(0);
  thread([&w] { w.zone().forget_reported(); });
  thread([&w] { w.allocate(1, 9); });
  at_end([&w] { w.settle(); });
}

// A hand that was filled before forget_reported() is put back after it.
FALLOW_SCENARIO(HandOfBeforeForgetting, "R8: report bits set after forget_reported() are not dropped") {
  World& w = world({{}, {1024}, 1});
  w.withhold({32}, {992});
  w.report_from(0);
  w.report({.order = {0}}, {1024});
  w.allocate(0);
  thread([&w] { w.drain(0); });
  thread([&w] {
    w.zone().forget_reported();
    w.report({.order = {0}}, {1024});
  });
  at_end([&w] { w.settle(); });
}

// A caller of run() leaves its work to the worker inside, which must see what the caller saw.
FALLOW_SCENARIO(TwoCallersOfTheWorker, "MO-8: a call of the worker is not lost") {
  World& w = world({{}, {5120}, 2});
  for (std::uint64_t b = 1; b < 10; b += 2) w.withhold({b * 512}, {512});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  const Pfn pfn = w.allocate(0, 9).pfn;
  w.work(6);
  thread([&w] { w.call_worker(); });
  thread([&w, pfn] {
    w.free(0, pfn, 9);
    w.work(2);
  });
  at_end([&w] { w.settle(); });
}

// An allocation is refused after a relaxed read of an entry whose frames are isolated.
FALLOW_SCENARIO(PairBesideItsReport, "R11: an allocation does not fail because its frames are isolated") {
  World& w = world({{}, {1024}, 1});
  const unsigned took = declare_goal("the pair is taken");
  thread([&w, took] { reached(took, w.allocate(0, 10).ok); });
  thread([&w] { w.report({.order = {9}}, {1024}); });
  at_end([&w] { w.settle(); });
}

}  // namespace fallow::explore
