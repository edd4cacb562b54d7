// MO-1: writes into a frame happen before the next use of the frame, whichever path the frame takes.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

namespace {

// One thread frees `pfn`; another allocates it as part of `wanted` frames, which is the goal.
void frees_beside(World& w, Pfn pfn, unsigned order, unsigned wanted) {
  const unsigned passes = declare_goal("the frame passes from one thread to the other");
  thread([&w, pfn, order] {
    w.free(0, pfn, order);
    w.drain(0);
  });
  thread([&w, pfn, wanted, passes] {
    const Got got = w.allocate(1, wanted);
    reached(passes,
            got.ok && pfn >= got.pfn && pfn < got.pfn + frames(Order{static_cast<std::uint8_t>(wanted)}));
  });
  at_end([&w] { w.settle(); });
}

// Two threads allocate the same frames: the second uses them and gives them back while the first is taking
// them.
void used_beside_allocation(World& w, unsigned order) {
  Got& first = state<Got>();
  Got& second = state<Got>();
  const unsigned passes = declare_goal("the frames pass from the second thread to the first");
  thread([&w, &first, order] { first = w.allocate(1, order); });
  thread([&w, &second, order] {
    second = w.allocate(0, order);
    if (second.ok) w.free(0, second.pfn, order);
    w.drain(0);
  });
  at_end([&w, &first, &second, passes] {
    reached(passes, first.ok && second.ok && first.pfn == second.pfn);
    w.settle();
  });
}

// The same if the next use is a report.
void frees_beside_a_report(World& w, Pfn pfn, unsigned order, unsigned smallest) {
  const Order wanted{static_cast<std::uint8_t>(smallest)};
  w.report({.order = wanted}, {1024});
  w.zone().tables().dirty().insert_all();
  const std::uint64_t before = w.oracle().reported_frames();
  const unsigned passes = declare_goal("the frame is reported");
  thread([&w, pfn, order] {
    w.free(0, pfn, order);
    w.drain(0);
  });
  thread([&w, wanted] { w.report({.order = wanted}, {1024}); });
  at_end([&w, before, passes, smallest] {
    reached(passes, w.oracle().reported_frames() > before);
    check_all_reported(w, smallest);
    w.settle();
  });
}

}  // namespace

// The block has room besides the frame, so the frame can be taken before the entry shows it as free.
FALLOW_SCENARIO(ContentsIntoAHand,
                "MO-1: a frame is freed and enters the hand of another cache by its word") {
  World& w = world_with(2, {{0, 1}, {40, 1}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  frees_beside(w, pfn, 0, 0);
}

FALLOW_SCENARIO(ContentsByGathering, "MO-1: a frame is freed when the next word is gathered") {
  World& w = world_with(2, {{0, 1}, {40, 16}, {80, 1}});
  const Pfn first = w.allocate(0).pfn, second = w.allocate(0).pfn;
  w.retire(0);
  const unsigned passes = declare_goal("the frame passes from one thread to the other");
  thread([&w, first, second] {
    w.free(0, first);
    w.free(0, second);
  });
  thread([&w, first, passes] { reached(passes, w.allocate(1).pfn == first); });
  at_end([&w] { w.settle(); });
}

// The last frame of the block is freed in another word, so only the entry orders the writes into the first.
FALLOW_SCENARIO(ContentsByGatheringIntoABlock,
                "MO-1: a frame is freed by gathering, and its block is taken by its entry") {
  World& w = world_with(3, {{0, 512}, {600, 16}});
  const Pfn next = w.allocate(0).pfn, first = w.allocate(2, 0, Mobility::Unmovable).pfn;
  const Pfn last = w.allocate(2, 5, Mobility::Unmovable).pfn;
  w.retire(0);
  w.retire(2);
  const unsigned passes = declare_goal("the block is taken");
  thread([&w, first, next] {
    w.free(0, first);
    w.free(0, next);
  });
  thread([&w, last, passes] {
    w.free(1, last, 5);
    w.drain(1);
    reached(passes, w.allocate(1, 9).ok);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ContentsOfAHandThatGoesBack,
                "MO-1: a frame that was freed into a hand is returned with the hand") {
  World& w = world_with(2, {{0, 1}, {40, 1}});
  const Pfn pfn = w.allocate(0).pfn;
  const unsigned passes = declare_goal("the frame passes from one thread to the other");
  thread([&w, pfn] {
    w.free(0, pfn);
    w.drain(0);
  });
  thread([&w, pfn, passes] { reached(passes, w.allocate(1).pfn == pfn); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ContentsIntoARun,
                "MO-1: another thread uses and frees a run between its reservation and its taking") {
  World& w = world_with(3, {{0, 1}, {40, 2}, {60, 1}, {70, 1}});
  w.allocate(2);
  used_beside_allocation(w, 1);
}

FALLOW_SCENARIO(ContentsIntoAClaimedHand,
                "MO-1: another thread uses and frees a frame between its reservation and its taking") {
  used_beside_allocation(world_with(2, {{0, 1}, {40, 1}}), 0);
}

FALLOW_SCENARIO(ContentsIntoAReportedWord,
                "MO-1: a frame is used and freed between its reservation and its isolation") {
  World& w = world_with(1, {{0, 1}, {40, 1}});
  w.report_from(0);
  const unsigned reported = declare_goal("the frame is reported after its use");
  thread([&w] { w.report({.order = {0}}, {1}, true, 1); });
  bool& used = state<bool>(false);
  thread([&w, &used] {
    const Got got = w.allocate(0);
    if (got.ok) w.free(0, got.pfn);
    w.drain(0);
    used = got.pfn == Pfn{0};
  });
  at_end([&w, reported, &used] {
    reached(reported, used && w.oracle().reported_frames() == 1);
    check_all_reported(w, 0);
    w.settle();
  });
}

FALLOW_SCENARIO(ContentsOfAReportedWord,
                "MO-1: a device has seen a frame before the frame enters a hand by its word") {
  World& w = world_with(1, {{0, 1}, {40, 1}});
  w.report_from(0);
  const unsigned taken = declare_goal("the frame is allocated after its report");
  thread([&w] { w.report({.order = {0}}, {1}, true, 1); });
  thread([&w] { w.allocate(0); });
  at_end([&w, taken] {
    reached(taken, w.oracle().refaults() != 0);
    w.settle();
  });
}

FALLOW_SCENARIO(ContentsOfAReportedRun, "MO-1: a device has seen a run before the run is taken by its word") {
  World& w = world_with(2, {{0, 1}, {40, 2}, {60, 1}, {70, 1}});
  w.allocate(1);
  w.report_from(1);
  const unsigned taken = declare_goal("the run is allocated after its report");
  thread([&w] { w.report({.order = {1}}, {2}, true, 1); });
  thread([&w] { w.allocate(0, 1); });
  at_end([&w, taken] {
    reached(taken, w.oracle().refaults() != 0);
    w.settle();
  });
}

FALLOW_SCENARIO(ContentsIntoALongRun,
                "MO-1: a frame is freed and taken as a part of a run of several words") {
  World& w = world_with(2, {{0, 64}, {96, 32}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  frees_beside(w, pfn, 0, 6);
}

FALLOW_SCENARIO(ContentsOfALongRun, "MO-1: a run of several words is freed, and a frame of it is taken") {
  World& w = world_with(2, {{0, 64}, {96, 1}});
  const Pfn pfn = w.allocate(0, 6).pfn;
  frees_beside(w, pfn, 6, 0);
}

FALLOW_SCENARIO(ContentsIntoABlock,
                "MO-1: a frame is freed by its word, and its block is taken by its entry") {
  World& w = world_with(2, {{0, 512}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  frees_beside(w, pfn, 0, 9);
}

FALLOW_SCENARIO(ContentsOfABlock, "MO-1: a block is freed and taken by its entry") {
  World& w = world_with(2, {{0, 512}});
  frees_beside(w, w.allocate(0, 9).pfn, 9, 9);
}

FALLOW_SCENARIO(ContentsOfABlockIntoAHand,
                "MO-1: a block is freed by its entry, and a frame of it is taken by its word") {
  World& w = world_with(2, {{0, 512}});
  frees_beside(w, w.allocate(0, 9).pfn, 9, 0);
}

FALLOW_SCENARIO(ContentsOfABlockTakenBack,
                "MO-1: a cache takes back the block that another cache has used meanwhile") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  w.free(0, {0}, 9);
  const unsigned passes = declare_goal("the block is taken back after the use by the other cache");
  bool& used = state<bool>(false);
  thread([&w, &used] {
    const Got got = w.allocate(1, 9);
    if (got.ok) w.free(1, got.pfn, 9);
    used = got.ok;
  });
  bool& back = state<bool>(false);
  thread([&w, &back] { back = w.allocate(0, 9).ok; });
  at_end([&w, passes, &used, &back] {
    reached(passes, used && back);
    w.settle();
  });
}

FALLOW_SCENARIO(ContentsIntoAPair,
                "MO-1: a frame is freed by its word, and its pair is taken by the entries") {
  World& w = world({{}, {1024}, 2});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  frees_beside(w, pfn, 0, 10);
}

FALLOW_SCENARIO(ContentsOfAPartOfABlock, "MO-1: a part of a whole block is freed and taken") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  frees_beside(w, {64}, 6, 6);
}

FALLOW_SCENARIO(ContentsIntoAReport, "MO-1, MO-4: a frame is freed and reported by its word") {
  World& w = world_with(2, {{0, 1}, {40, 1}});
  w.report_from(0);
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  frees_beside_a_report(w, pfn, 0, 0);
}

FALLOW_SCENARIO(ContentsOfALongRunIntoAReport, "MO-1, MO-4: a run of several words is freed and reported") {
  World& w = world_with(2, {{0, 64}, {128, 64}});
  w.report_from(6);
  frees_beside_a_report(w, w.allocate(0, 6).pfn, 6, 6);
}

FALLOW_SCENARIO(ContentsIntoAReportOfABlock,
                "MO-1, MO-4: a frame is freed by its word, and its block is reported by its entry") {
  World& w = world_with(2, {{0, 512}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  frees_beside_a_report(w, pfn, 0, 9);
}

FALLOW_SCENARIO(ContentsOfABlockIntoAReport, "MO-1, MO-4: a block is freed and reported by its entry") {
  World& w = world_with(2, {{0, 512}});
  frees_beside_a_report(w, w.allocate(0, 9).pfn, 9, 9);
}

FALLOW_SCENARIO(ContentsOfAPairIntoAReport, "MO-1, MO-4: a pair is freed and reported by its entries") {
  World& w = world({{}, {1024}, 2});
  frees_beside_a_report(w, w.allocate(0, 10).pfn, 10, 10);
}

}  // namespace fallow::explore
