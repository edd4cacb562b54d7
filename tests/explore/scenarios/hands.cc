// The hand and the pending frames of a local cache, and how frames move between caches and threads.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {
namespace {

// Cache 0 takes both free frames while cache 1 gives one of them back.
void two_frames_beside_a_drain(World& w) {
  const unsigned both = declare_goal("both frames are taken");
  thread([&w] { w.drain(1); });
  thread([&w, both] {
    const bool first = w.allocate(0).ok, second = w.allocate(0).ok;
    reached(both, first && second);
  });
  at_end([&w] { w.settle(); });
}

}  // namespace

// Between the word and the entry of a free, `used` still counts frames that the word shows as free. Another
// thread takes them, and uses up the room of frames that are free throughout.
FALLOW_SCENARIO(FreeLendsItsRoom, "R11, MO-7: no NoMemory while a free is between word and entry") {
  World& w = world_with(3, {{0, 1}, {40, 1}});
  const Pfn pfn = w.allocate(1).pfn;
  w.retire(1);
  w.free(1, pfn);
  two_frames_beside_a_drain(w);
}

FALLOW_SCENARIO(DrainedHandLendsItsRoom, "R11, MO-7: no NoMemory while a hand is put back") {
  World& w = world_with(3, {{0, 1}, {40, 1}});
  w.free(1, w.allocate(1).pfn);
  two_frames_beside_a_drain(w);
}

FALLOW_SCENARIO(TwoClaimOneBlock, "ZONE-1, ZONE-8: two caches claim a block, and exactly one owns it") {
  World& w = world_with(2, {{0, 1}, {40, 1}});
  bool& first = state<bool>(false);
  bool& second = state<bool>(false);
  const unsigned both = declare_goal("both threads allocate");
  thread([&] { first = w.allocate(0).ok; });
  thread([&] { second = w.allocate(1).ok; });
  at_end([&w, both, &first, &second] {
    reached(both, first && second);
    w.settle();
  });
}

FALLOW_SCENARIO(RefillBesideAnothersFree,
                "ZONE-2: the owner refills while another cache frees into its block") {
  World& w = world_with(2, {{0, 2}});
  const Pfn pfn = w.allocate(0).pfn;
  const unsigned again = declare_goal("the owner gets the frame again");
  thread([&w, pfn, again] {
    w.allocate(0);
    const Got got = w.allocate(0);
    reached(again, got.ok && got.pfn == pfn);
  });
  thread([&w, pfn] {
    w.free(1, pfn);
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(FreeOfAFrameJustHandedOut, "MO-6: a free that follows the hand-out is never refused") {
  World& w = world_with(2, {{0, 3}});
  w.allocate(0);
  Mail& mail = state<Mail>();
  const unsigned freed = declare_goal("the frame is freed while the owner's hand holds another");
  thread([&w, &mail] {
    mail.post(w.allocate(0));
    w.allocate(0);
  });
  thread([&w, &mail, freed] {
    const Pfn pfn = mail.wait(w);
    reached(freed, w.zone().cache(0).counts().in_hands == 1);
    w.free(1, pfn);
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(WrongFreeOfTheLastFrame,
                "MO-20, ZONE-9: a frame that moves from LastFrame::freed_ to the hand is in one of them") {
  World& w = world_with(2, {{0, 2}, {512, 1}});
  const Pfn other = w.allocate(0, 0, Mobility::Unmovable).pfn, last = w.allocate(0).pfn;
  w.free(0, last);
  const unsigned moved = declare_goal("the frame is in the hand when the free comes");
  thread([&w, other] { w.free(0, other); });
  thread([&w, last, moved] {
    w.misuse(1, last);
    reached(moved, w.zone().cache(0).counts().in_hands >= 1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(LastFrameOfAnother,
                "MO-23, ZONE-9: a frame that another cache freed is not taken back as the last frame") {
  World& w = world_with(2, {{0, 2}, {40, 1}});
  const Pfn last = w.allocate(0).pfn;
  Mail& mail = state<Mail>();
  const unsigned comes_back = declare_goal("the frame comes back to the cache that handed it out last");
  thread([&w, last, &mail] {
    w.free(1, last);
    w.drain(1);
    mail.post(w.allocate(1));
  });
  thread([&w, last, &mail, comes_back] {
    const Pfn pfn = mail.wait(w);
    reached(comes_back, pfn == last);
    if (pfn == Mail::kNothing) return;
    w.free(0, pfn);
    w.allocate(0);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(LastFrameBesideAnothersFree,
                "MO-23, ZONE-9: the last frame is taken back while another cache frees into its word") {
  World& w = world_with(2, {{0, 3}});
  const Pfn other = w.allocate(0).pfn, last = w.allocate(0).pfn;
  const unsigned again = declare_goal("the cache gets its last frame again");
  thread([&w, last, again] {
    w.free(0, last);
    reached(again, w.allocate(0).pfn == last);
    w.allocate(0);
  });
  thread([&w, other] {
    w.free(1, other);
    w.drain(1);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(PendingFrameJoinsTheHand, "ZONE-8: a word is in a hand or pending, never both") {
  World& w = world_with(2, {{0, 4}, {40, 16}});
  const Pfn pfn = w.allocate(0).pfn;
  const unsigned joined = declare_goal("the pending frame is handed out from the hand");
  thread([&w] { w.retire(0); });
  thread([&w, pfn, joined] {
    w.free(1, pfn);
    const Got got = w.allocate(1);
    reached(joined, got.pfn == pfn && w.zone().cache(1).counts().pending == 0);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(ReuseBesideAnothersFrame,
                "frames freed in a full block are handed out again without leaving their cache") {
  World& w = world_with(2, {{0, 2}});
  const Pfn pfn = w.allocate(0).pfn;
  w.retire(0);
  const unsigned both = declare_goal("both threads allocate");
  bool& first = state<bool>(false);
  bool& second = state<bool>(false);
  thread([&w, pfn, &first] {
    w.free(0, pfn);
    first = w.allocate(0).ok;
  });
  thread([&w, &second] { second = w.allocate(1).ok; });
  at_end([&w, both, &first, &second] {
    reached(both, first && second);
    w.settle();
  });
}

FALLOW_SCENARIO(TwoGatherFromOneWord,
                "ZONE-2: two caches that leave a word each return the frames that they freed there") {
  World& w = world_with(3, {{0, 16}, {512, 2}, {552, 16}});
  const Pfn first = w.allocate(2, 0, Mobility::Unmovable).pfn,
            second = w.allocate(2, 0, Mobility::Unmovable).pfn;
  const Pfn next = w.allocate(2).pfn, other = w.allocate(2).pfn;
  w.retire(2);
  const unsigned both = declare_goal("both frames are taken as one run");
  thread([&w, first, next] {
    w.free(0, first);
    w.free(0, next);
  });
  thread([&w, first, second, other, both] {
    w.free(1, second);
    w.free(1, other);
    reached(both, w.allocate(1, 1, Mobility::Unmovable).pfn == first);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(DrainOnRequest, "a failing allocation makes other caches return their hands") {
  World& w = world_with(2, {{0, 1}, {512, 2}});
  w.allocate(1);
  const Pfn other = w.allocate(0).pfn;
  const unsigned gets = declare_goal("the second attempt gets the frames that the other cache returned");
  thread([&w, gets] {
    const bool first = w.allocate(0).ok, second = w.allocate(0).ok;
    reached(gets, !first && second);
  });
  thread([&w, other] { w.free(1, other); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(RetireBesideAClaim, "ZONE-1: a cache gives up a block while another cache claims it") {
  World& w = world_with(2, {{0, 2}});
  w.allocate(0);
  const unsigned took = declare_goal("the block that was given up is taken");
  thread([&w] { w.retire(0); });
  thread([&w, took] { reached(took, w.allocate(1).ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(CacheHandedOver, "release and acquire suffice to pass a cache to another thread") {
  World& w = world_with(2, {{0, 4}});
  Mail& mail = state<Mail>();
  const unsigned passed = declare_goal("the second thread gets the last frame of the first");
  thread([&w, &mail] {
    const Got got = w.allocate(0);
    w.allocate(0);
    mail.post(got);
  });
  thread([&w, &mail, passed] {
    const Pfn pfn = mail.wait(w);
    w.free(0, pfn);
    w.drain(0);
    reached(passed, w.allocate(0).pfn == pfn);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(OwnedBlockIsTakenWhole,
                "ZONE-8: a wholly free block is taken from its owner, whose hand is empty") {
  World& w = world_with(2, {{0, 512}});
  w.free(0, w.allocate(0).pfn);
  w.drain(0);
  const unsigned whole = declare_goal("the block is taken");
  const unsigned frame = declare_goal("the owner takes a frame first");
  thread([&w, frame] { reached(frame, w.allocate(0).ok); });
  thread([&w, whole] { reached(whole, w.allocate(1, 9).ok); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(BlockChangesItsMobility,
                "ZONE-1, ZONE-8: a cache claims for one mobility a block that it owned for another") {
  World& w = world_with(2, {{0, 512}});
  w.free(0, w.allocate(0).pfn);
  w.drain(0);
  const unsigned both = declare_goal("both threads allocate");
  bool& first = state<bool>(false);
  bool& second = state<bool>(false);
  thread([&w, &first] { first = w.allocate(0, 0, Mobility::Unmovable).ok; });
  thread([&w, &second] {
    const Got got = w.allocate(1, 9);
    second = got.ok;
    if (got.ok) w.free(1, got.pfn, 9);
  });
  at_end([&w, both, &first, &second] {
    reached(both, first && second);
    w.settle();
  });
}

}  // namespace fallow::explore
