// Orders 9 and 10: whole blocks, their parts, and pairs.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

FALLOW_SCENARIO(BlockTakenBack,
                "ZONE-9: the block that a cache freed last is taken back by that cache or taken by another") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  w.free(0, {0}, 9);
  const unsigned back = declare_goal("the cache takes the block back");
  const unsigned away = declare_goal("another cache takes the block");
  thread([&w, back] { reached(back, w.allocate(0, 9).ok); });
  thread([&w, away] { reached(away, w.allocate(1, 9).ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(BlockTakenBackBesideAFrame,
                "ZONE-9: the block that a cache freed last is claimed for single frames") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  w.free(0, {0}, 9);
  const unsigned back = declare_goal("the cache takes the block back");
  const unsigned away = declare_goal("a frame of the block is taken");
  thread([&w, back] { reached(back, w.allocate(0, 9).ok); });
  thread([&w, away] { reached(away, w.allocate(1).ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(BlockTakenBackBesideItsReport, "ZONE-9, R6: the block that a cache freed last is isolated") {
  World& w = world_with(1, {{0, 512}});
  w.allocate(0, 9);
  w.free(0, {0}, 9);
  const unsigned back = declare_goal("the cache takes the block back with a report bit");
  thread([&w] { w.allocate(0, 9); });
  thread([&w] { w.report({.order = {9}}, {1024}); });
  at_end([&w, back] {
    reached(back, w.oracle().refaults() > 0);
    w.settle();
  });
}

FALLOW_SCENARIO(BlockBesideAClaim,
                "ZONE-4: a free block is allocated as a whole while another cache claims it") {
  World& w = world_with(2, {{0, 512}});
  const unsigned whole = declare_goal("the block is taken");
  const unsigned frame = declare_goal("a frame of the block is taken");
  thread([&w, whole] { reached(whole, w.allocate(0, 9).ok); });
  thread([&w, frame] { reached(frame, w.allocate(1).ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(TwoPartsOfABlock, "ZONE-4: two parts of a whole block are freed concurrently") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  const unsigned took = declare_goal("the other part is taken");
  thread([&w] { w.free(0, {0}, 6); });
  thread([&w, took] {
    w.free(1, {64}, 6);
    reached(took, w.allocate(1, 6).pfn == Pfn{0});
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(FrameOfABlockBesideAPart,
                "ZONE-4, ZONE-2: a frame and a part of a whole block are freed concurrently") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  const unsigned took = declare_goal("the part is taken again");
  thread([&w] {
    w.free(0, {511});
    w.drain(0);
  });
  thread([&w, took] {
    w.free(1, {0}, 5);
    w.drain(1);
    reached(took, w.allocate(1, 5).ok);
  });
  at_end([&w] { w.settle(); });
}

// A free of a part of a block is writing out its words. Parts that other threads freed meanwhile are free,
// but the block is closed.
FALLOW_SCENARIO(SplitHidesWhatIsFree,
                "R11: no NoMemory while another thread splits the block for its own part") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  const unsigned took = declare_goal("the part is taken again");
  thread([&w] { w.free(0, {100}); });
  thread([&w, took] {
    w.free(1, {0}, 3);
    w.drain(1);
    reached(took, w.allocate(1, 2).ok);
  });
  at_end([&w] { w.settle(); });
}

// The reporter removes the block from the dirty blocks while it is closed for splitting.
FALLOW_SCENARIO(SplitHidesWhatIsFreeFromReports,
                "MO-4: a block that is visited while it is being split is visited again") {
  World& w = world_with(2, {{0, 512}});
  w.report_from(2);
  w.allocate(0, 9);
  const unsigned reuses = declare_goal("the freed frame is handed out again without leaving its cache");
  thread([&w, reuses] {
    w.free(0, {100});
    const Got got = w.allocate(0);
    reached(reuses, got.ok && got.pfn == Pfn{100});
  });
  thread([&w] {
    w.free(1, {0}, 2);
    w.drain(1);
    w.report({.order = {2}}, {1024});
  });
  at_end([&w] {
    check_all_reported(w, 2);
    w.settle();
  });
}

FALLOW_SCENARIO(TwoPairs, "R11: two threads allocate the only pair; exactly one succeeds") {
  World& w = world({{}, {1024}, 2});
  const unsigned first = declare_goal("the first thread gets it");
  const unsigned second = declare_goal("the second thread gets it");
  thread([&w, first] { reached(first, w.allocate(0, 10).ok); });
  thread([&w, second] { reached(second, w.allocate(1, 10).ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(PairBesideTheFreeOfItsHalf, "a pair is taken as soon as its second half is free") {
  World& w = world({{}, {1024}, 2});
  const Pfn pfn = w.allocate(1, 9).pfn;
  const unsigned took = declare_goal("the pair is taken");
  thread([&w, took] { reached(took, w.allocate(0, 10).ok); });
  thread([&w, pfn] { w.free(1, pfn, 9); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(PairBesideTheFreeOfAFrame, "ZONE-5: a pair is taken as soon as its last frame is free") {
  World& w = world({{}, {1024}, 2});
  const Pfn pfn = w.allocate(1).pfn;
  w.retire(1);
  const unsigned took = declare_goal("the pair is taken");
  thread([&w, took] { reached(took, w.allocate(0, 10).ok); });
  thread([&w, pfn] {
    w.free(1, pfn);
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(PairIsFreedBesideItsBlocks, "the halves of a pair are taken while it is freed") {
  World& w = world({{}, {1024}, 2});
  w.allocate(0, 10);
  const unsigned both = declare_goal("both halves are taken");
  thread([&w] { w.free(0, {0}, 10); });
  thread([&w, both] {
    const bool first = w.allocate(1, 9).ok, second = w.allocate(1, 9).ok;
    reached(both, first && second);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(BlockOfRunsIsFreed, "all runs of a block are freed while one run is allocated") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 8);
  w.allocate(0, 8);
  const unsigned took = declare_goal("one run is allocated again");
  thread([&w] { w.free(0, {0}, 9); });
  thread([&w, took] { reached(took, w.allocate(1, 8).ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(BlockOfReportBitsBesideAFrame,
                "ZONE-3, ZONE-4: a block with report bits in its words is allocated as a whole") {
  World& w = world_with(2, {{0, 512}});
  w.report_from(5);
  w.report({.order = {5}}, {32}, true, 1);
  const unsigned whole = declare_goal("the block is taken");
  const unsigned frame = declare_goal("a frame of the block is taken");
  thread([&w, whole] { reached(whole, w.allocate(0, 9).ok); });
  thread([&w, frame] { reached(frame, w.allocate(1).ok); });
  at_end([&w] { w.settle(); });
}

}  // namespace fallow::explore
