// Isolations that fail, and requests that are put back, concurrent with other operations on their blocks.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

// A reservation of an isolation that fails uses up the room of the second run, which is reported already.
FALLOW_SCENARIO(LostIsolationBesideARun, "R11, MO-7: no NoMemory during an isolation that lost its frames") {
  World& w = world_with(2, {{0, 1}, {40, 2}, {72, 2}});
  w.allocate(1);
  w.report_from(1);
  w.report({.order = {1}}, {1024});
  const Pfn lost = w.allocate(0, 1).pfn;
  w.free(0, lost, 1);
  w.drain(0);
  const std::uint64_t before = w.oracle().refaults();
  const unsigned both = declare_goal("both runs are taken, and only one was reported");
  thread([&w] { w.report({.order = {1}}, {2}, true, 1); });
  thread([&w, both, before] {
    const bool first = w.allocate(0, 1).ok, second = w.allocate(0, 1).ok;
    if (!first || !second) engine().fail("R11: an allocation fails because its frames are isolated");
    reached(both, w.oracle().refaults() == before + 2);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(TwoPutBacksAtOnce,
                "ZONE-7: two requests are put back concurrently, and a frame of one is taken") {
  World& w = world_with(1, {{0, 8}});
  w.report_from(0);
  const unsigned first = w.begin_report({.order = {0}}, {2}), second = w.begin_report({.order = {0}}, {2});
  const unsigned all = declare_goal("an allocation gets frames that the other thread put back");
  thread([&w, first] { w.end_report(first); });
  thread([&w, second, all] {
    w.end_report(second);
    w.allocate(0);
    reached(all, w.oracle().refaults() != 0);
  });
  at_end([&w] {
    check_all_reported(w, 0);
    w.settle();
  });
}

FALLOW_SCENARIO(PutBackBesideAnIsolation, "ZONE-7: a request is put back while the next one is isolated") {
  World& w = world_with(1, {{0, 8}});
  w.report_from(0);
  const unsigned first = w.begin_report({.order = {0}}, {2});
  const unsigned again = declare_goal("the refused frames are isolated with the rest");
  thread([&w, first] { w.end_report(first, false); });
  thread([&w, again] {
    w.report({.order = {0}}, {8});
    reached(again, w.oracle().reported_frames() == 8);
  });
  at_end([&w] {
    check_all_reported(w, 0);
    w.settle();
  });
}

FALLOW_SCENARIO(PutBackBesideAnIsolationOfBlocks, "ZONE-7: a block is put back while another is isolated") {
  World& w = world({{}, {1024}, 1});
  const unsigned first = w.begin_report({.order = {9}}, {512});
  const unsigned again = declare_goal("the block that was refused is isolated with the other");
  thread([&w, first] { w.end_report(first, false); });
  thread([&w, again] {
    w.report({.order = {9}}, {1024});
    reached(again, w.oracle().reported_frames() == 1024);
  });
  at_end([&w] {
    check_all_reported(w, 9);
    w.settle();
  });
}

FALLOW_SCENARIO(PutBackBesideALostIsolation,
                "ZONE-7: frames are put back while an isolation loses others to a hand") {
  World& w = world_with(1, {{0, 1}, {40, 2}});
  w.report_from(0);
  const unsigned first = w.begin_report({.order = {0}}, {1});
  const unsigned lost = declare_goal("the isolation finds no frame left");
  thread([&w, lost] {
    w.report({.order = {0}}, {2}, true, 1);
    reached(lost, w.oracle().reported_frames() <= 1);
  });
  thread([&w, first] {
    w.allocate(0);
    w.end_report(first);
  });
  at_end([&w] {
    check_all_reported(w, 0);
    w.settle();
  });
}

FALLOW_SCENARIO(PutBackBesideALostBlock, "ZONE-7: a block is put back while the isolation of another fails") {
  World& w = world({{}, {1024}, 1});
  w.allocate(0, 9);
  const unsigned first = w.begin_report({.order = {9}}, {512});
  w.free(0, {0}, 9);
  const unsigned lost = declare_goal("the isolation finds the block allocated");
  thread([&w, lost] {
    w.report({.order = {9}}, {512}, true, 1);
    reached(lost, w.oracle().allocated_frames() == 512 && w.oracle().reported_frames() == 0);
  });
  thread([&w, first] {
    w.allocate(0, 9);
    w.port().relax();
    w.end_report(first);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(PutBackBesideAFree, "MO-4, ZONE-3: frames of one word are put back and freed concurrently") {
  World& w = world_with(1, {{0, 8}});
  w.report_from(0);
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  const unsigned both = declare_goal("the freed frames are reported, too");
  thread([&w, pfn] {
    w.free(0, pfn);
    w.drain(0);
  });
  thread([&w] { w.report({.order = {0}}, {1024}); });
  at_end([&w, both] {
    reached(both, w.oracle().reported_frames() == 8);
    check_all_reported(w, 0);
    w.settle();
  });
}

FALLOW_SCENARIO(PutBackBesideTheLastFree,
                "MO-4, ZONE-6: the rest of a block is put back while its last frame is freed") {
  World& w = world_with(1, {{0, 512}});
  w.report_from(5);
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  const unsigned seen = declare_goal("a part of the block is reported");
  thread([&w, pfn] {
    w.free(0, pfn);
    w.drain(0);
  });
  thread([&w] { w.report({.order = {5}}, {32}, true, 1); });
  at_end([&w, seen] {
    reached(seen, w.oracle().reported_frames() == 32);
    check_all_reported(w, 5);
    w.settle();
  });
}

// A reservation counts frames that are not taken afterwards; the reporter passes the block meanwhile.
FALLOW_SCENARIO(SurplusBesideReports,
                "MO-4: a block whose frames were reserved but not taken is visited again") {
  World& w = world_with(1, {{0, 2}, {40, 1}});
  w.report_from(0);
  const unsigned surplus = declare_goal("the allocation gets a frame of the second word");
  thread([&w, surplus] { reached(surplus, w.allocate(0).pfn == Pfn{40}); });
  thread([&w] {
    w.report({.order = {0}}, {1}, true, 1);
    w.report({.order = {0}}, {1024});
  });
  at_end([&w] {
    check_all_reported(w, 0);
    w.settle();
  });
}

FALLOW_SCENARIO(LostRunBesideAReport, "MO-4: a run of which a part was missing is visited again") {
  World& w = world_with(1, {{0, 64}, {96, 32}});
  w.report_from(5);
  const unsigned lost = declare_goal("the run waits for the report");
  thread([&w, lost] {
    w.allocate(0, 6);
    reached(lost, w.oracle().reported_frames() == 32 && w.oracle().refaults() == 64);
  });
  thread([&w] { w.report({.order = {5}}, {1024}); });
  at_end([&w] {
    check_all_reported(w, 5);
    w.settle();
  });
}

FALLOW_SCENARIO(GatheringBesideAReport,
                "MO-4: a frame that is put back while the next one is gathered is not missed") {
  World& w = world_with(1, {{0, 16}, {512, 1}, {552, 16}});
  w.report_from(0);
  const Pfn first = w.allocate(0, 0, Mobility::Unmovable).pfn;
  const Pfn second = w.allocate(0).pfn;
  w.retire(0);
  w.report({.order = {0}}, {1024});
  w.zone().tables().dirty().insert_all();
  const unsigned reported = declare_goal("the frame is reported");
  thread([&w, first, second] {
    w.free(0, first);
    w.free(0, second);
  });
  thread([&w] { w.report({.order = {0}}, {1024}); });
  at_end([&w, reported] {
    reached(reported, w.oracle().reported_frames() == 32);
    check_all_reported(w, 0);
    w.settle();
  });
}

}  // namespace fallow::explore
