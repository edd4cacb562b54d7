// Isolation concurrent with allocations and frees, without a reporter.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

namespace {

constexpr Order order_of(unsigned order) { return {static_cast<std::uint8_t>(order)}; }

// Isolates all free frames and puts them back while `wanted` of them are allocated: never NoMemory (R11).
void report_beside(World& w, unsigned order, unsigned wanted, bool reported = true) {
  const Order smallest = order_of(order);
  const unsigned waits = declare_goal("the allocation gets frames that a device has seen");
  const unsigned before = declare_goal("the allocation comes first");
  bool& seen = state<bool>(false);
  thread([&w, smallest, reported, &seen] {
    w.report({.order = smallest}, {1024}, reported);
    seen = true;
  });
  thread([&w, wanted, &seen, waits, before] {
    const bool late = seen;
    if (!w.allocate(0, wanted).ok) engine().fail("R11: an allocation fails because its frames are isolated");
    reached(seen && !late ? waits : before);
  });
  at_end([&w, order] {
    check_all_reported(w, order);
    w.settle();
  });
}

}  // namespace

FALLOW_SCENARIO(ReportBesideAFrame, "R11, MO-7: a frame is allocated while it is being reported") {
  World& w = world_with(1, {{0, 1}});
  w.report_from(0);
  report_beside(w, 0, 0);
}

FALLOW_SCENARIO(ReportBesideARun, "R11, MO-7: a run is allocated while it is being reported") {
  World& w = world_with(1, {{0, 32}});
  w.report_from(5);
  report_beside(w, 5, 5);
}

FALLOW_SCENARIO(ReportBesideALongRun,
                "R11, MO-7: a run of several words is allocated while it is being reported") {
  World& w = world_with(1, {{0, 64}});
  w.report_from(6);
  report_beside(w, 6, 6);
}

FALLOW_SCENARIO(ReportBesideAPartOfIt, "R11, R8: a part of the frames that are being reported is allocated") {
  World& w = world_with(1, {{0, 64}});
  w.report_from(6);
  report_beside(w, 6, 0);
}

FALLOW_SCENARIO(ReportBesideABlock, "R11, MO-7: a block is allocated while it is being reported") {
  report_beside(world_with(1, {{0, 512}}), 9, 9);
}

FALLOW_SCENARIO(ReportOfAPairBesideAPair, "R11, MO-7: a pair is allocated while it is being reported") {
  report_beside(world({{}, {1024}, 1}), 10, 10);
}

FALLOW_SCENARIO(ReportOfAPairBesideABlock,
                "R6: half of a pair is allocated while the pair is being isolated") {
  report_beside(world({{}, {1024}, 1}), 10, 9);
}

FALLOW_SCENARIO(FailureBesideAFrame, "R7, MO-4: frames that a device refused are to be reported again") {
  World& w = world_with(1, {{0, 2}});
  w.report_from(0);
  report_beside(w, 0, 0, false);
}

FALLOW_SCENARIO(FailureBesideABlock, "R7, MO-4: a block that a device refused is to be reported again") {
  report_beside(world_with(1, {{0, 512}}), 9, 9, false);
}

// The block belongs to a cache, so the run is searched in its words alone. They show the second request; the
// entry, which was read before, does not.
FALLOW_SCENARIO(FoundIsolatedByItsWord,
                "MO-7: an allocation that finds frames isolated in their word waits") {
  World& w = world_with(2, {{0, 1}, {40, 2}});
  w.allocate(1);
  w.report_from(1);
  w.take_time_to_report();
  const unsigned waits = declare_goal("the allocation waits for the second request");
  thread([&w] {
    w.report({.order = {1}}, {2}, false, 1);
    w.port().relax();
    w.report({.order = {1}}, {2}, true, 1);
  });
  thread([&w] {
    if (!w.allocate(0, 1).ok) engine().fail("R11: an allocation fails because its frames are isolated");
  });
  at_end([&w, waits] {
    reached(waits, w.oracle().refaults() != 0);
    w.settle();
  });
}

FALLOW_SCENARIO(HalfOfAPairBesideItsReport,
                "MO-4, ZONE-6: the half of a pair that was reopened is visited again") {
  World& w = world({{}, {1024}, 1});
  w.allocate(0, 9);
  w.allocate(0, 9);
  w.free(0, {512}, 9);
  w.allocate(0, 9);
  w.free(0, {0}, 9);
  const unsigned passes = declare_goal("the report skips the half that is closed");
  thread([&w] { w.allocate(0, 10); });
  thread([&w, passes] {
    w.report({.order = {9}}, {1024});
    reached(passes, w.oracle().reported_frames() == 0);
  });
  at_end([&w] {
    check_all_reported(w, 9);
    w.settle();
  });
}

FALLOW_SCENARIO(YoungBlockBesideAReport,
                "MO-4: a block that is too young stays dirty, and its age is that of its last free") {
  World& w = world_with(1, {{0, 512}});
  const Pfn pfn = w.allocate(0).pfn;
  w.drain(0);
  for (unsigned i = 0; i < 2; ++i) w.zone().tables().clock().advance();
  const unsigned young = declare_goal("the block is too young");
  thread([&w, pfn] {
    w.free(0, pfn);
    w.drain(0);
  });
  thread([&w] { w.report({.order = {9}, .min_age = 1}, {1024}); });
  at_end([&w, young] {
    reached(young, w.oracle().reported_frames() == 0);
    check_all_reported(w, 9);
    w.settle();
  });
}

FALLOW_SCENARIO(AgesAreRestartedBesideAFree,
                "ages are restarted while one frame is freed and another is taken") {
  World& w = world_with(1, {{0, 2}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  w.zone().tables().clock().advance();
  const unsigned took = declare_goal("the frame is taken again");
  thread([&w, pfn, took] {
    w.free(0, pfn);
    w.drain(0);
    reached(took, w.allocate(0).ok);
  });
  thread([&w] { w.zone().tables().restart_ages(); });
  at_end([&w] { w.settle(); });
}

}  // namespace fallow::explore
