// forget_reported() concurrent with threads that take reported frames and put them back.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {

namespace {

// Allocates `wanted` reported frames while forget_reported() runs.
void forget_beside(World& w, unsigned wanted) {
  const unsigned first = declare_goal("frames are taken before they are forgotten");
  const unsigned forgotten = declare_goal("frames are taken whose report was forgotten");
  thread([&w] { w.zone().forget_reported(); });
  thread([&w, wanted] {
    if (!w.allocate(0, wanted).ok)
      engine().fail("R11: an allocation fails because reported frames are being forgotten");
  });
  at_end([&w, first, forgotten] {
    reached(first, w.oracle().refaults() != 0);
    reached(forgotten, w.oracle().forgotten_refaults() != 0);
    w.settle();
  });
}

World& reported(World& w, unsigned order, std::uint64_t most = 1024) {
  w.report_from(order);
  w.report({.order = {static_cast<std::uint8_t>(order)}}, {most}, true, 1);
  return w;
}

}  // namespace

FALLOW_SCENARIO(ForgetBesideAHand,
                "MO-2: a hand of reported frames is filled while reported frames are forgotten") {
  forget_beside(reported(world_with(1, {{0, 2}}), 0), 0);
}
FALLOW_SCENARIO(ForgetBesideARun, "MO-2: a run with report bits is taken while the bits are cleared") {
  forget_beside(reported(world_with(1, {{0, 64}}), 6), 6);
}
FALLOW_SCENARIO(ForgetBesideABlock, "MO-2: a reported block is taken while reported frames are forgotten") {
  forget_beside(reported(world_with(1, {{0, 512}}), 9), 9);
}
FALLOW_SCENARIO(ForgetBesideABlockOfReportBits,
                "MO-2, ZONE-3: a block with report bits in its words is taken while the bits are cleared") {
  forget_beside(reported(world_with(1, {{0, 512}}), 5, 32), 9);
}
FALLOW_SCENARIO(ForgetBesideAPair, "MO-2: a reported pair is taken while reported frames are forgotten") {
  forget_beside(reported(world({{}, {1024}, 1}), 10), 10);
}
FALLOW_SCENARIO(ForgetBesideASplit,
                "MO-2, ZONE-4: a reported block is split while reported frames are forgotten") {
  forget_beside(reported(world_with(1, {{0, 512}}), 9), 6);
}

FALLOW_SCENARIO(
    ForgetBesideASearch,
    "MO-7: an allocation waits until reported frames are forgotten, and does not search again meanwhile") {
  World& w = reported(world_with(1, {{0, 64}}), 6);
  thread([&w] { w.zone().forget_reported(); });
  thread([&w, thrice = declare_goal("reported frames are being forgotten during two searches")] {
    w.allocate(0, 6);
    // Each search reads the epoch twice.
    const unsigned searches = w.zone().cache(0).attempts() / 2;
    reached(thrice, searches == 3);
    if (searches > 3)
      engine().fail("an allocation repeats its search while reported frames are being forgotten");
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ForgetBesideARunOfReportBits, "MO-2: a free joins reported frames while they are forgotten") {
  World& w = world_with(2, {{0, 8}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  reported(w, 0);
  const unsigned took = declare_goal("the run is taken");
  thread([&w] { w.zone().forget_reported(); });
  thread([&w, pfn, took] {
    w.free(1, pfn);
    w.drain(1);
    reached(took, w.allocate(1, 3).ok);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ForgetBesideAHandThatGoesBack,
                "MO-2: the report bits of a hand are put back before forgetting or not at all") {
  World& w = reported(world_with(1, {{0, 2}}), 0);
  w.allocate(0);
  const unsigned before = declare_goal("the hand is put back before reported frames are forgotten");
  const unsigned after = declare_goal("the hand is put back afterwards");
  thread([&w] { w.zone().forget_reported(); });
  thread([&w, before, after] {
    const bool late = w.zone().tables().forget_epoch() == 2;
    w.drain(0);
    reached(late ? after : before);
  });
  at_end([&w] { w.settle(); });
}

// While forget_reported() runs, an attempt closes the half of a pair that is reported as a whole.
// forget_block() passes it, so it must not be reopened as reported. The other half is listed as free and is
// not free.
FALLOW_SCENARIO(ForgettingPassesHalfOfAPair,
                "MO-2: the report of half of a pair does not survive forgetting") {
  World& w = world({{}, {1024}, 2});
  w.allocate(0, 9);
  w.allocate(1, 9);
  w.free(1, {512}, 9);
  w.allocate(1, 9);
  w.free(0, {0}, 9);
  w.drain(0);
  reported(w, 9);
  const unsigned fails = declare_goal("the pair is refused");
  thread([&w] { w.zone().forget_reported(); });
  thread([&w] { w.allocate(0, 10); });
  at_end([&w, fails] {
    reached(fails, w.refusals() == 1);
    w.settle();
  });
}

FALLOW_SCENARIO(PromiseBesideAHand,
                "MO-27: a promise that is newer than the report of a hand does not apply to it") {
  World& w = reported(world_with(1, {{0, 2}}), 0);
  w.allocate(0);
  const unsigned promised = declare_goal("the frame is handed out after the promise");
  thread([&w] {
    w.zone().forget_reported();
    w.zone().tables().set_content_known(true);
  });
  thread([&w, promised] {
    reached(promised, w.zone().tables().content_known());
    w.allocate(0);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(PromiseBesideABlock,
                "MO-27, R12: a promise that is newer than the report of a block does not apply to it") {
  World& w = reported(world_with(1, {{0, 512}}), 9);
  const unsigned promised = declare_goal("the block is taken after the promise");
  thread([&w] {
    w.zone().forget_reported();
    w.zone().tables().set_content_known(true);
  });
  thread([&w, promised] {
    reached(promised, w.zone().tables().content_known());
    w.allocate(0, 9);
  });
  at_end([&w] { w.settle(); });
}

}  // namespace fallow::explore
