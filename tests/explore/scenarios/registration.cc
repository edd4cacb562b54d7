// Registering, unregistering and forgetting, concurrent with all other operations.
#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {
namespace {

// Two blocks, a device that has reported all free frames, and a worker at rest.
World& reported_blocks(Content promise = Content::Unknown, std::uint32_t threshold = 1) {
  World& w = single_blocks(2);
  w.device().promises = promise;
  w.register_device(state<HwmPolicy>(Order{9}, threshold));
  report_all(w);
  return w;
}

// Completes a token that belongs to no request.
void complete_stray(World& w, std::uint32_t token) {
  if (w.reporter().complete(token, Status::Ok) != Status::InvalidArgument)
    engine().fail("RPT-13: a request is completed by a token that is not in flight");
}

}  // namespace

FALLOW_SCENARIO(RegisterBesideTheWorker, "MO-8: a worker that sees the registration sees the device") {
  World& w = single_blocks(1);
  const unsigned at_once = declare_goal("the worker comes in time"),
                 later = declare_goal("the worker comes too early");
  thread([&w] { w.register_device(state<HwmPolicy>(Order{9}, 1U)); });
  thread([&w, at_once, later] {
    w.call_worker();
    reached(at_once, w.device().requests() > 0);
    reached(later, w.device().requests() == 0);
  });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(RegisterBesideAStrayCompletion,
                "MO-26, RPT-13: a token that was never issued is refused while the tables are created") {
  World& w = single_blocks(1);
  thread([&w] { w.register_device(state<HwmPolicy>(Order{9}, 1U)); });
  thread([&w] { complete_stray(w, 0); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(UnregisterBesideAStrayCompletion,
                "MO-26, RPT-13: a token that was settled is refused while the tables are removed") {
  World& w = single_blocks(1);
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  w.work(1);
  const std::uint32_t token = w.device().let_go(Status::Ok);
  if (w.reporter().complete(token, Status::Ok) != Status::Ok) engine().fail("the request is not completed");
  thread([&w] { w.unregister_device(); });
  thread([&w, token] { complete_stray(w, token); });
  at_end([&w] { w.settle(); });
}

FALLOW_SCENARIO(UnregisterBesideAPass,
                "R9, MO-8, RPT-8: unregistering waits for the worker and keeps it from the device") {
  World& w = single_blocks(2);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  const unsigned one = declare_goal("the pass is cut short"), none = declare_goal("there is no pass");
  thread([&w] { w.work(1); });
  thread([&w] { w.unregister_device(); });
  at_end([&w, one, none] {
    reached(one, w.device().requests() == 1);
    reached(none, w.device().requests() == 0);
    w.settle();
  });
}

FALLOW_SCENARIO(UnregisterBesideAFree,
                "R9, RPT-1: a free that uses up the credit leaves no flag after unregistering") {
  World& w = reported_blocks();
  const Pfn pfn = w.allocate(0, 9).pfn;
  const unsigned fired = declare_goal("the free flags the zone first");
  thread([&w, pfn] { w.free(0, pfn, 9); });
  thread([&w, fired] {
    reached(fired, w.reporter().reporting_requested(0));
    w.unregister_device();
  });
  at_end([&w] {
    if (w.reporter().reporting_requested(0)) engine().fail("R9: a flag stays set after unregistering");
    if (w.zone().tables().trigger().armed()) engine().fail("RPT-1: a credit stays after unregistering");
    w.settle();
  });
}

FALLOW_SCENARIO(UnregisterBesideACompletion, "R9, RPT-3: unregistering waits for the request in flight") {
  World& w = single_blocks(2);
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  w.work(1);
  thread([&w] { w.unregister_device(); });
  thread([&w] { w.complete_next(Status::Ok); });
  at_end([&w, taken = declare_goal("the request is taken")] {
    reached(taken, w.device().taken() == 1);
    w.settle();
  });
}

FALLOW_SCENARIO(UnregisterBesideAFailure,
                "R9, R7: a request that fails while its device is unregistered leaves no flag") {
  World& w = single_blocks(2);
  w.device().answer({Status::Pending});
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  w.work(1);
  thread([&w] { w.unregister_device(); });
  thread([&w] { w.complete_next(Status::Failed); });
  at_end([&w, failed = declare_goal("the request fails")] {
    reached(failed, w.device().failed() == 1);
    if (w.reporter().reporting_requested(0)) engine().fail("R9: a flag stays set after unregistering");
    w.settle();
  });
}

FALLOW_SCENARIO(TwoUnregister, "R9: two threads unregister a device, and one of them gets NotFound") {
  World& w = reported_blocks();
  unsigned* const done = state<std::array<unsigned, 2>>().data();
  for (unsigned i = 0; i < 2; ++i) {
    thread([&w, done, i] {
      const Status status = w.reporter().unregister_device(w.device());
      if (status != Status::Ok && status != Status::NotFound) engine().fail("R9: unregistering fails");
      done[i] = status == Status::Ok ? 1 : 0;
    });
  }
  at_end([&w, done, second = declare_goal("the second thread unregisters the device")] {
    reached(second, done[1] == 1);
    if (done[0] + done[1] != 1) engine().fail("R9: a device is unregistered twice or never");
    w.register_device(state<HwmPolicy>(Order{9}, 1U));
    w.settle();
  });
}

FALLOW_SCENARIO(TwoRegister,
                "R1: two devices register concurrently: one is registered, and the other gets Busy") {
  World& w = single_blocks(1);
  HwmPolicy& policy = state<HwmPolicy>(Order{9}, 1U);
  ModelDevice* const devices[2] = {&w.device(), &state<ModelDevice>(w.oracle(), w.port())};
  Status* const status = state<std::array<Status, 2>>().data();
  for (unsigned i = 0; i < 2; ++i) {
    thread([&w, &policy, device = devices[i], status, i] {
      status[i] = w.reporter().register_device(*device, policy);
      if (status[i] != Status::Ok && status[i] != Status::Busy) engine().fail("R1: registering fails");
    });
  }
  at_end([&w, second = devices[1], status, won = declare_goal("the second device is registered")] {
    reached(won, status[1] == Status::Ok);
    if ((status[0] == Status::Ok) == (status[1] == Status::Ok))
      engine().fail("R1: not exactly one of two devices is registered");
    if (w.reporter().unregister_device(status[1] == Status::Ok ? *second : w.device()) != Status::Ok)
      engine().fail("R9: unregistering fails");
    w.settle();
  });
}

FALLOW_SCENARIO(RegisterBesideUnregister,
                "R1, R9: registering while another device is unregistered succeeds or has no effect") {
  World& w = reported_blocks();
  HwmPolicy& policy = state<HwmPolicy>(Order{9}, 1U);
  ModelDevice& other = state<ModelDevice>(w.oracle(), w.port());
  other.expect(true);
  Status& status = state<Status>(Status::Ok);
  thread([&w] {
    if (w.reporter().unregister_device(w.device()) != Status::Ok) engine().fail("R9: unregistering fails");
  });
  thread([&] { status = w.reporter().register_device(other, policy); });
  const unsigned ok = declare_goal("registering succeeds"), busy = declare_goal("registering returns Busy");
  at_end([&, ok, busy] {
    reached(ok, status == Status::Ok);
    reached(busy, status == Status::Busy);
    if (status == Status::Ok && w.reporter().unregister_device(other) != Status::Ok)
      engine().fail("R9: unregistering fails");
    w.register_device(policy);
    w.settle();
  });
}

FALLOW_SCENARIO(RegisterBesideAllocation,
                "R2: frames that are free when a device registers are reported during an allocation") {
  World& w = single_blocks(2);
  thread([&w] {
    w.register_device(state<HwmPolicy>(Order{9}, 32U));
    w.work(1);
  });
  thread([&w] { w.allocate(0, 9); });
  at_end([&w, one = declare_goal("one block is reported"), two = declare_goal("both blocks are reported")] {
    reached(one, w.device().requests() == 1);
    reached(two, w.device().requests() == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(RegisterBesideAFree,
                "R2, MO-5: a block that is freed while a device registers is reported or counted") {
  World& w = single_blocks(2);
  const Pfn pfn = w.allocate(0, 9).pfn;
  thread([&w] {
    w.register_device(state<HwmPolicy>(Order{9}, 1U));
    w.work(1);
  });
  thread([&w, pfn] { w.free(0, pfn, 9); });
  at_end([&w, one = declare_goal("the worker does not see the block"),
          two = declare_goal("the worker sees the block")] {
    reached(one, w.device().requests() == 1);
    reached(two, w.device().requests() == 2);
    w.settle();
  });
}

FALLOW_SCENARIO(PolicyChangeBesideAFree,
                "R10: a block that is freed while the policy changes to `aged` is reported when it is old") {
  World& w = reported_blocks();
  const Pfn pfn = w.allocate(0, 9).pfn;
  thread([&w, pfn] { w.free(0, pfn, 9); });
  thread([&w] {
    w.unregister_device();
    w.register_device(state<AgedPolicy>(Order{9}));
  });
  at_end([&w, again = declare_goal("the block is reported once more")] {
    w.settle();
    reached(again, w.device().requests() == 3);
  });
}

FALLOW_SCENARIO(RegisterFinerBesideAFree,
                "R10, MO-5: frames that are freed while a device of a smaller order registers are reported") {
  World& w = single_frames(48);
  const Pfn pfn = w.allocate(0, 1).pfn;
  w.retire(0);
  w.register_device(state<HwmPolicy>(Order{9}, 1U));
  report_all(w);
  w.unregister_device();
  thread([&w] {
    w.register_device(state<HwmPolicy>(Order{1}, 1U));
    w.work(1);
  });
  thread([&w, pfn] {
    w.free(0, pfn, 1);
    w.drain(0);
  });
  at_end([&w, seen = declare_goal("the worker sees the frames"),
          missed = declare_goal("the worker does not see the frames")] {
    reached(seen, w.device().requests() == 1);
    reached(missed, w.device().requests() == 0);
    w.settle();
  });
}

}  // namespace fallow::explore
