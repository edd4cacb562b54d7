// Frees of frames that are free or belong to another thread: those that are refused, those that are named
// later, and those that cannot be detected (docs/invariants.md). In each case the zone stays consistent.
#include "fallow/zone/zone_check.h"
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

namespace {

// `named`: the number of frees of the scenario that are named in the end.
void end_of_misuse(World& w, std::uint64_t named) {
  for (std::uint32_t i = 0; i < w.zone().cache_count(); ++i) w.drain(i);
  const Violation v = zone_check(w.zone());
  if (!v.none()) engine().fail(std::string("misuse broke ") + v.invariant);
  if (w.zone().misuse().count != named)
    engine().fail("a wrong free is not named, or a correct free is named");
}

bool ok(Status status) { return status == Status::Ok; }

}  // namespace

FALLOW_SCENARIO(FrameFreedThroughTwoCaches, "misuse: a frame is freed twice, and exactly one free is named") {
  World& w = world_with(2, {{0, 2}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  const unsigned later = declare_goal("both frees are accepted at first");
  bool& first = state<bool>(false);
  bool& second = state<bool>(false);
  thread([&w, pfn, &first] {
    first = ok(w.free_untold(0, pfn));
    w.drain(0);
  });
  thread([&w, pfn, &second] {
    second = ok(w.free_untold(1, pfn));
    w.drain(1);
  });
  at_end([&w, later, &first, &second] {
    reached(later, first && second);
    end_of_misuse(w, 1);
  });
}

// While a hand is put back, its frames are in no hand and not yet free in their word.
FALLOW_SCENARIO(DoubleFreeBesideADrain, "misuse: the free of a frame on its way out of a hand is named") {
  World& w = world_with(2, {{0, 4}});
  w.free(0, w.allocate(0).pfn);
  const unsigned later = declare_goal("the free is accepted at first");
  thread([&w] { w.drain(0); });
  thread([&w, later] {
    reached(later, w.late_misuse(1, {0}));
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

// A frame is used in its word before it is in the hand.
FALLOW_SCENARIO(DoubleFreeBesideARefill, "misuse: the free of a frame on its way into a hand is named") {
  World& w = world_with(2, {{0, 4}});
  const unsigned later = declare_goal("the free is accepted at first");
  thread([&w] { w.allocate(0); });
  thread([&w, later] {
    reached(later, w.late_misuse(1, {3}));
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

// The owner frees a frame into the hand it came from, while another cache flushes its free of the same frame.
FALLOW_SCENARIO(FlushedDoubleFreeBesideTheOwner,
                "misuse: the second free of a frame is named when it is flushed") {
  World& w = world_with(2, {{0, 4}});
  const Pfn pfn = w.allocate(0).pfn;
  static_cast<void>(w.free_untold(1, pfn));
  const unsigned accepted = declare_goal("the owner's free is accepted");
  const unsigned refused = declare_goal("the owner's free is refused");
  thread([&w, pfn, accepted, refused] { reached(ok(w.free_untold(0, pfn)) ? accepted : refused); });
  thread([&w] { w.drain(1); });
  at_end([&w] { end_of_misuse(w, 1); });
}

FALLOW_SCENARIO(FreedUnderAThirdParty,
                "misuse: a second free that is flushed when the frame has a new owner is not detected") {
  World& w = world_with(2, {{0, 2}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  static_cast<void>(w.free_untold(0, pfn));
  const unsigned under = declare_goal("the frame is freed under its new owner");
  bool& taken = state<bool>(false);
  thread([&w] { w.drain(0); });
  thread([&w, pfn, &taken] {
    static_cast<void>(w.free_untold(1, pfn));
    w.drain(1);
    const Got got = w.allocate_untold(1);
    taken = got.ok && got.pfn == pfn;
  });
  at_end([&w, under, &taken] {
    const std::uint64_t named = w.zone().misuse().count;
    reached(under, taken && named == 0);
    end_of_misuse(w, named);
  });
}

// A block with reported frames in its words is out of reach until they are cleared.
FALLOW_SCENARIO(DoubleFreeBesideAReportedBlock,
                "misuse: a frame of a block that is being allocated as a whole is freed") {
  World& w = world_with(2, {{0, 512}});
  w.report_from(5);
  w.report({.order = {5}}, {32}, true, 1);
  const unsigned accepted = declare_goal("the free frees the frame of the new owner");
  const unsigned refused = declare_goal("the free is refused");
  bool& freed = state<bool>(false);
  thread([&w] { w.allocate_untold(0, 9); });
  thread([&w, accepted, refused, &freed] {
    freed = ok(w.free_untold(1, {100}));
    w.drain(1);
    reached(freed ? accepted : refused);
  });
  at_end([&w, &freed] { end_of_misuse(w, freed ? 0 : 1); });
}

FALLOW_SCENARIO(BlockFreedTwice, "misuse: a block is freed twice, and exactly one free is refused") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  const unsigned first = declare_goal("the first free is refused");
  const unsigned second = declare_goal("the second free is refused");
  thread([&w, first] { reached(first, !ok(w.free_untold(0, {0}, 9))); });
  thread([&w, second] { reached(second, !ok(w.free_untold(1, {0}, 9))); });
  at_end([&w] { end_of_misuse(w, 1); });
}

FALLOW_SCENARIO(BlockFreedBesideAFrameOfIt,
                "misuse: a block and a frame of it are freed, and exactly one free is named") {
  World& w = world_with(2, {{0, 512}});
  w.allocate(0, 9);
  const unsigned block = declare_goal("the frame is freed first");
  const unsigned frame = declare_goal("the block is freed first");
  thread([&w, frame] { reached(frame, ok(w.free_untold(0, {0}, 9))); });
  thread([&w, block] {
    reached(block, ok(w.free_untold(1, {100})));
    w.drain(1);
  });
  at_end([&w] { end_of_misuse(w, 1); });
}

FALLOW_SCENARIO(FreeOfAnIsolatedFrame, "misuse: a frame that a device is being shown is not allocated") {
  World& w = world_with(1, {{0, 2}});
  w.report_from(0);
  const unsigned shown = declare_goal("the free comes while the frame is isolated");
  thread([&w] { w.report({.order = {0}}, {1024}); });
  thread([&w, shown] {
    const bool isolated = w.zone().tables().word(0).load(std::memory_order_relaxed) != 0xfffffffc;
    w.misuse(0, {0});
    reached(shown, isolated);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(FreeOfAnIsolatedBlock,
                "misuse: neither a block that a device is being shown nor a frame of it is allocated") {
  World& w = world_with(1, {{0, 512}});
  const unsigned shown = declare_goal("the free comes while the block is isolated");
  thread([&w] { w.report({.order = {9}}, {1024}); });
  thread([&w, shown] {
    const bool isolated = w.zone().tables().entry_hint(0).isolated();
    w.misuse(0, {0}, 9);
    w.misuse(0, {7});
    reached(shown, isolated);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(FreeOfASplitBlock,
                "misuse: a frame of a reported block is not allocated while the block is split") {
  World& w = world_with(2, {{0, 512}});
  w.report({.order = {9}}, {1024});
  const unsigned split = declare_goal("the free comes while the block is split");
  thread([&w] { w.allocate(0, 8); });
  thread([&w, split] {
    const bool now = w.zone().tables().entry_hint(0).splitting();
    w.misuse(1, {300});
    w.misuse(1, {256}, 8);
    reached(split, now);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(
    DoubleFreeOfALongRun,
    "misuse: a run of several words is freed twice, and one free is refused or named for each word") {
  World& w = world_with(2, {{0, 64}});
  w.allocate(0, 6);
  const unsigned both = declare_goal("one free is refused at once");
  bool& first = state<bool>(false);
  bool& second = state<bool>(false);
  thread([&w, &first] { first = ok(w.free_untold(0, {0}, 6)); });
  thread([&w, &second] { second = ok(w.free_untold(1, {0}, 6)); });
  at_end([&w, both, &first, &second] {
    const std::uint64_t named = w.zone().misuse().count;
    reached(both, named == 1);
    if (first && second) engine().fail("a double free is not refused");
    if (named != 1 && named != 32 && named != 64) engine().fail("frames that were freed once are named");
    end_of_misuse(w, named);
  });
}

// The frame is pending in a nearly full block, and the same cache hands it out again.
FALLOW_SCENARIO(
    FreedTwiceAndReused,
    "misuse: a frame that is handed out again without leaving its cache is freed under its owner") {
  World& w = world_with(2, {{0, 2}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  const unsigned under = declare_goal("the frame is freed under its new owner");
  bool& again = state<bool>(false);
  thread([&w, pfn, &again] {
    static_cast<void>(w.free_untold(0, pfn));
    again = w.allocate_untold(0).pfn == pfn;
  });
  thread([&w, pfn] {
    static_cast<void>(w.free_untold(1, pfn));
    w.drain(1);
  });
  at_end([&w, under, &again] {
    const std::uint64_t named = w.zone().misuse().count;
    reached(under, again && named == 0);
    end_of_misuse(w, named);
  });
}

}  // namespace fallow::explore
