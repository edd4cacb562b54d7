// Orders 1 to 8: aligned runs inside a block.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

namespace {

// Two threads allocate one run each; nothing else happens.
void two_runs(World& w, unsigned first_order, unsigned second_order) {
  bool& first = state<bool>(false);
  bool& second = state<bool>(false);
  const unsigned both = declare_goal("both runs are taken");
  thread([&w, &first, first_order] { first = w.allocate(0, first_order).ok; });
  thread([&w, &second, second_order] { second = w.allocate(1, second_order).ok; });
  at_end([&w, both, &first, &second] {
    reached(both, first && second);
    w.settle();
  });
}

}  // namespace

FALLOW_SCENARIO(TwoRunsForOnePlace, "two runs look for the same frames; exactly one gets them") {
  World& w = world_with(2, {{0, 8}});
  const unsigned first = declare_goal("the first thread gets it");
  const unsigned second = declare_goal("the second thread gets it");
  thread([&w, first] { reached(first, w.allocate(0, 3).ok); });
  thread([&w, second] { reached(second, w.allocate(1, 3).ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(TwoLongRuns, "R11: two runs of several words meet in their first word") {
  two_runs(world_with(2, {{0, 128}}), 6, 6);
}

FALLOW_SCENARIO(LongRunBesideAWord, "R11: a run that loses its second word returns its first") {
  World& w = world_with(2, {{0, 64}, {96, 32}});
  const unsigned lost = declare_goal("the run loses its second word");
  bool& refused = state<bool>(false);
  bool& second = state<bool>(false);
  thread([&w, &refused] { refused = !w.allocate(0, 6).ok; });
  thread([&w, &second] { second = w.allocate(1, 5).pfn == Pfn{32}; });
  at_end([&w, lost, &refused, &second] {
    reached(lost, refused && second);
    w.settle();
  });
}

FALLOW_SCENARIO(RunBesideTwoRuns, "R11, MO-7: no NoMemory beside a run that lost its third word") {
  World& w = world_with(2, {{0, 160}, {192, 32}});
  const unsigned both = declare_goal("both of the shorter runs are taken");
  thread([&w] { w.allocate(0, 7); });
  thread([&w, both] {
    const bool first = w.allocate(1, 6).ok, second = w.allocate(1, 6).ok;
    reached(both, first && second);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(RunBesideTheFreeOfItsFrame, "ZONE-2: a run is taken as soon as its last frame is free") {
  World& w = world_with(2, {{0, 64}});
  const Pfn pfn = w.allocate(1).pfn;
  w.retire(1);
  const unsigned took = declare_goal("the run is taken");
  thread([&w, took] { reached(took, w.allocate(0, 6).ok); });
  thread([&w, pfn] {
    w.free(1, pfn);
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(RunBesideARefill, "ZONE-8: a run of an owned block is taken while its owner refills") {
  World& w = world_with(2, {{0, 1}, {32, 32}, {64, 1}});
  w.allocate(1);
  const unsigned both = declare_goal("run and frame are taken");
  bool& first = state<bool>(false);
  bool& second = state<bool>(false);
  thread([&w, &first] { first = w.allocate(0, 5).ok; });
  thread([&w, &second] { second = w.allocate(1).ok; });
  at_end([&w, both, &first, &second] {
    reached(both, first && second);
    w.settle();
  });
}

FALLOW_SCENARIO(RunOutOfAHand,
                "ZONE-8: a run is handed out of the hand while another cache frees into its word") {
  World& w = world_with(2, {{0, 8}});
  const Pfn pfn = w.allocate(0).pfn;
  const unsigned took = declare_goal("the run is taken");
  const unsigned again = declare_goal("the frame is taken");
  thread([&w, pfn, took, again] {
    reached(took, w.allocate(0, 2).ok);
    w.allocate(0, 1);
    w.allocate(0);
    reached(again, w.allocate(0).pfn == pfn);
  });
  thread([&w, pfn] {
    w.free(1, pfn);
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(LongRunIsFreedBesideAShorter,
                "MO-7: the words of a run that is freed are taken before its entry changes") {
  World& w = world_with(2, {{0, 64}, {96, 32}});
  w.allocate(0, 6);
  const unsigned took = declare_goal("the first word and another word are taken again");
  thread([&w] { w.free(0, {0}, 6); });
  thread([&w, took] {
    const bool first = w.allocate(1, 5).pfn == Pfn{0}, second = w.allocate(1, 5).ok;
    reached(took, first && second);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(RoomOfAFreeThatIsOver,
                "R11, MO-7: a free whose frames were taken before its entry changed returns their room") {
  World& w = world_with(3, {{0, 128}});
  w.allocate(0, 6);
  const unsigned both = declare_goal("the freed run is taken first, and then the other one");
  thread([&w] { w.free(0, {0}, 6); });
  thread([&w, both] {
    const bool first = w.allocate(1, 6).pfn == Pfn{0}, second = w.allocate(2, 6, Mobility::Unmovable).ok;
    reached(both, first && second);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(PartOfARunIsFreed, "both parts of a run are freed concurrently") {
  World& w = world_with(2, {{0, 128}});
  w.allocate(0, 7);
  const unsigned whole = declare_goal("the run is whole again");
  thread([&w] { w.free(0, {0}, 6); });
  thread([&w, whole] {
    w.free(1, {64}, 6);
    reached(whole, w.allocate(1, 7).ok);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ReportedBlockIsSplitForTwoRuns,
                "ZONE-4, R8: two caches split a block that is reported as a whole") {
  World& w = world_with(2, {{0, 512}});
  w.report({.order = {9}}, {1024});
  two_runs(w, 6, 6);
}

FALLOW_SCENARIO(ReportedBlockIsSplitForAFrame,
                "ZONE-4, ZONE-8: a cache that splits a reported block for single frames owns the block") {
  World& w = world_with(2, {{0, 512}});
  w.report({.order = {9}}, {1024});
  two_runs(w, 0, 6);
}

FALLOW_SCENARIO(RunInAnyBlock,
                "a run is taken from a block of another mobility while the owner frees and allocates") {
  World& w = world_with(2, {{0, 65}});
  const Pfn pfn = w.allocate(1, 0, Mobility::Unmovable).pfn;
  w.drain(1);
  const unsigned took = declare_goal("the run is taken");
  thread([&w, took] { reached(took, w.allocate(0, 5, Mobility::Movable).ok); });
  thread([&w, pfn] {
    w.free(1, pfn);
    w.allocate(1, 0, Mobility::Unmovable);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(RunOfReportBitsBesideTheRest,
                "ZONE-3: a run with report bits is taken while the other half of the block is reported") {
  World& w = world_with(2, {{0, 128}});
  w.report_from(6);
  w.report({.order = {6}}, {64}, true, 1);
  const unsigned took = declare_goal("the run is taken with its report bits");
  thread([&w] { w.allocate(0, 7); });
  thread([&w] { w.report({.order = {6}}, {1024}); });
  at_end([&w, took] {
    reached(took, w.oracle().refaults() > 64);
    w.settle();
  });
}

}  // namespace fallow::explore
