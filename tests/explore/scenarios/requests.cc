// Requests that the device holds: completed during a pass, concurrently, twice, or with a wrong token.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {
namespace {

// The device holds the first `depth` requests, one block each, and every slot is taken.
World& all_places_taken(unsigned blocks, std::uint32_t depth) {
  World& w = single_blocks(blocks);
  w.device().depths = depth;
  w.device().entries = 1;
  for (std::uint32_t i = 0; i < depth; ++i) w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  return w;
}
World& blocked_pass(unsigned blocks, std::uint32_t depth) {
  World& w = all_places_taken(blocks, depth);
  w.work(2);
  return w;
}

}  // namespace

FALLOW_SCENARIO(CompletionBesideABlockedPass,
                "MO-9, RPT-11: a pass that finds no free slot continues or is woken by the completion") {
  World& w = all_places_taken(2, 1);
  const unsigned found = declare_goal("the pass finds the slot"), woken = declare_goal("the worker is woken"),
                 early = declare_goal("the completion comes before report() returns");
  std::uint32_t& first = state<std::uint32_t>(0u);
  thread([&] {
    w.work(1);
    first = w.device().requests();
    w.work(1);
  });
  thread([&w] { w.complete_next(Status::Ok); });
  at_end([&w, &first, found, woken, early] {
    reached(found, first == 2);
    reached(woken, first == 1);
    reached(early, w.device().completed_early());
    w.settle();
  });
}

FALLOW_SCENARIO(CompletionOfADepthOfTwo,
                "MO-9: a pass continues or is woken when one of two slots becomes free") {
  World& w = all_places_taken(3, 2);
  std::uint32_t& first = state<std::uint32_t>(0u);
  thread([&] {
    w.work(1);
    first = w.device().requests();
  });
  thread([&w] { w.complete_next(Status::Ok); });
  at_end([&, found = declare_goal("the pass finds the slot"), woken = declare_goal("the worker is woken")] {
    reached(found, first == 3);
    reached(woken, first == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(TwoCompletionsAtOnce, "MO-9, R13: two threads free the slots that a blocked pass waits for") {
  World& w = blocked_pass(3, 2);
  for (unsigned i = 0; i < 2; ++i) thread([&w] { w.complete_next(Status::Ok); });
  at_end([&w, both = declare_goal("both requests are completed")] {
    reached(both, w.device().taken() == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(ThreePlaces, "MO-9, R13: completions out of order at a depth of three") {
  World& w = blocked_pass(4, 3);
  thread([&w] {
    w.complete_next(Status::Ok);
    w.complete_next(Status::Ok);
  });
  thread([&w] { w.work(2); });
  at_end([&w, all = declare_goal("the last block is reported during the completions")] {
    reached(all, w.device().requests() == 4);
    w.settle();
  });
}

FALLOW_SCENARIO(TwoThreadsCompleteOneRequest,
                "RPT-2: a request is settled once, and one of two completions learns that") {
  World& w = blocked_pass(2, 1);
  const std::uint32_t token = w.device().let_go(Status::Ok);
  unsigned* const done = state<std::array<unsigned, 2>>().data();
  for (unsigned i = 0; i < 2; ++i)
    thread(
        [&w, done, i, token] { done[i] = w.reporter().complete(token, Status::Ok) == Status::Ok ? 1 : 0; });
  at_end([&w, done, second = declare_goal("the second thread completes the request")] {
    reached(second, done[1] == 1);
    if (done[0] + done[1] != 1) engine().fail("RPT-2: a request is completed twice or never");
    w.settle();
  });
}

FALLOW_SCENARIO(
    CompletionOfAPlaceBeingFilled,
    "RPT-2: a token that is not in flight has no effect, whether or not its request is being filled") {
  World& w = single_blocks(1);
  w.free(0, w.allocate(0, 9).pfn, 9);
  w.register_device(state<AgedPolicy>(Order{9}));
  thread([&w] { w.work(1, milliseconds(50)); });
  thread([&w] {
    for (const std::uint32_t token : {0U, 1U}) {
      if (w.reporter().complete(token, Status::Ok) != Status::InvalidArgument)
        engine().fail("RPT-2: a request that was never made is completed");
    }
  });
  at_end([&w, young = declare_goal("nothing is old enough to be reported")] {
    reached(young, w.device().requests() == 0);
    w.settle();
  });
}

FALLOW_SCENARIO(FailureBesideABlockedPass,
                "R7, RPT-9, MO-9: the slot of a failed request is free, and its zone backs off") {
  World& w = all_places_taken(2, 1);
  thread([&w] { w.work(2); });
  thread([&w] { w.complete_next(Status::Failed); });
  at_end([&w, failed = declare_goal("a request fails"), on = declare_goal("the pass continues meanwhile")] {
    reached(failed, w.device().failed() == 1);
    reached(on, w.device().requests() == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(FailureBesideAFree, "R7, RPT-9: a free that flags the zone does not shorten its back-off") {
  World& w = single_blocks(3);
  const Pfn pfn = w.allocate(0, 9).pfn;
  w.device().answer({Status::Pending});
  w.device().depths = 2;
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  report_all(w);
  thread([&w] { w.complete_next(Status::Failed); });
  thread([&w, pfn] {
    w.free(0, pfn, 9);
    w.work(1);
  });
  at_end([&w, before = declare_goal("the block is reported before the failure"),
          after = declare_goal("the block waits for the back-off")] {
    reached(before, w.device().requests() == 3);
    reached(after, w.device().requests() == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(FailureBesideSuccess,
                "R7, RPT-9: a request that fails is retried although another one succeeds at once") {
  World& w = blocked_pass(2, 2);
  thread([&w] { w.complete_next(Status::Failed); });
  thread([&w] { w.complete_next(Status::Ok); });
  at_end([&w, failed = declare_goal("one request fails, and the other succeeds")] {
    reached(failed, w.device().failed() == 1 && w.device().taken() == 1);
    w.settle();
  });
}

FALLOW_SCENARIO(TwoFailures,
                "R7, RPT-9: two requests that fail together are both retried after the back-off") {
  World& w = blocked_pass(2, 2);
  for (unsigned i = 0; i < 2; ++i) thread([&w] { w.complete_next(Status::Failed); });
  at_end([&w, failed = declare_goal("both requests fail")] {
    reached(failed, w.device().failed() == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(NotPromisedBesideAllocation,
                "R12: once a device answers ContentUnknown, no allocation learns what its frames hold") {
  World& w = single_blocks(2);
  w.device().promises = Content::Zero;
  w.device().depths = 2;
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  report_all(w);
  thread([&w] { w.complete_next(Status::ContentUnknown); });
  thread([&w] {
    w.allocate(0, 9);
    w.allocate(0, 9);
  });
  at_end([&w, taken = declare_goal("both blocks are allocated")] {
    reached(taken, w.refusals() == 0);
    w.settle();
  });
}

FALLOW_SCENARIO(CompletionBesideAllocation,
                "R11, MO-7: an allocation waits for the request that holds its frames") {
  World& w = blocked_pass(2, 1);
  thread([&w] {
    w.allocate(0, 9);
    w.allocate(0, 9);
  });
  thread([&w] { w.complete_next(Status::Ok); });
  at_end([&w, taken = declare_goal("both blocks are allocated")] {
    reached(taken, w.refusals() == 0);
    w.settle();
  });
}

}  // namespace fallow::explore
