// The balloon driver's threads: MO-18, and the pairs of its requests.
#include "tests/explore/world/balloon_world.h"

#include "tests/explore/world/scenario.h"

namespace fallow::explore {

// The request before this one was watched and has completed; the worker runs because of its completion.
FALLOW_SCENARIO(RequestBesideTheWatch, "MO-18: a request in flight is watched") {
  BalloonWorld& w = state<BalloonWorld>();
  static_cast<void>(w.report());
  w.transport.run_device();
  w.port().advance_to(w.port().next_deadline());
  const unsigned seen = declare_goal("work() sees the request"),
                 woken = declare_goal("report() asks for another run of the worker");
  Nanoseconds& next = state<Nanoseconds>(kNever);
  thread([&w] {
    if (w.report() != Status::Pending) engine().fail("a request is not in flight");
  });
  thread([&w, &next] {
    if (!w.port().take_if_due()) engine().fail("the worker is not due");
    next = w.driver().work();
    if (next != kNever) w.port().wake_at(next);
  });
  at_end([&w, &next, seen, woken] {
    reached(next == kNever ? woken : seen);
    if (w.port().next_deadline() == kNever)
      engine().fail("a request is in flight, and the worker is not scheduled to check it");
  });
}

FALLOW_SCENARIO(ReportBesideItsCompletion,
                "ReportRequests::lock_, MO-11: a request ends exactly once, after its discard") {
  BalloonWorld& w = state<BalloonWorld>();
  Status& status = state<Status>();
  const unsigned taken = declare_goal("report() finds that the device took the request"),
                 pending = declare_goal("the request is completed later");
  thread([&w, &status] {
    w.contents.use(0);
    status = w.report();
    while (status == Status::Pending && w.completions.load(std::memory_order_acquire) == 0) engine().wait();
    w.contents.use(0);
  });
  thread([&w] { w.serve_report(); });
  at_end([&w, &status, taken, pending] {
    reached(status == Status::Ok ? taken : pending);
    if (status == Status::Pending && w.completed != Status::Ok)
      engine().fail("a request that was served failed");
    w.check_completed_once(status);
  });
}

FALLOW_SCENARIO(TwoThatCollect, "ReportRequests::lock_: two threads complete a request once") {
  BalloonWorld& w = state<BalloonWorld>();
  const Status status = w.report();
  w.transport.set_calls(nullptr);
  w.transport.run_device();
  w.transport.set_calls(&w.driver());
  bool& told = state<bool>(false);
  const unsigned one = declare_goal("the notified thread completes the request"),
                 other = declare_goal("the polling thread completes the request");
  thread([&w, &told] {
    w.driver().queue_used(queue_number(w.device().offered(), BalloonQueue::Reporting));
    told = w.completer == engine().self();
  });
  thread([&w] { w.driver().poll(); });
  at_end([&w, &told, status, one, other] {
    reached(told ? one : other);
    w.check_completed_once(status);
  });
}

// The requests in flight are abandoned while report() is still adding one.
static void report_beside(Status (BalloonDriver::*reset)() noexcept) {
  BalloonWorld& w = state<BalloonWorld>();
  Status& status = state<Status>();
  const unsigned pending = declare_goal("a request in flight is abandoned"),
                 failed = declare_goal("report() returns the failure"),
                 after = declare_goal("the request is made after the reset");
  thread([&w, &status] { status = w.report(); });
  thread([&w, reset] {
    if ((w.driver().*reset)() != Status::Ok) engine().fail("the reset fails");
  });
  at_end([&w, &status, pending, failed, after] {
    const bool in_flight = w.completions.load(std::memory_order_acquire) == 0 && status == Status::Pending;
    reached(after, in_flight);
    reached(pending, status == Status::Pending && !in_flight);
    reached(failed, status == Status::Failed);
    if (status == Status::Ok) engine().fail("a request that no device saw succeeds");
    if (in_flight) w.transport.run_device();
    w.check_completed_once(status);
    if (w.completed != (in_flight ? Status::Ok : status == Status::Pending ? Status::Failed : Status::Ok))
      engine().fail("the completion's status is wrong");
    const unsigned before = w.completions.load(std::memory_order_acquire);
    const Status again = w.report();
    w.transport.run_device();
    if (again != Status::Pending || w.completions.load(std::memory_order_acquire) != before + 1 ||
        w.completed != Status::Ok)
      engine().fail("a request after the reset is not served");
  });
}
FALLOW_SCENARIO(ReportBesideAQueueReset,
                "ReportRequests::lock_: a request that a reset ends is completed exactly once") {
  report_beside(&BalloonDriver::reset_reporting_queue);
}
FALLOW_SCENARIO(ReportBesideARecovery,
                "ReportRequests::lock_: a request that a recovery ends is completed exactly once") {
  report_beside(&BalloonDriver::recover);
}

FALLOW_SCENARIO(RemovalBesideTheDevice,
                "PendingNotifications::running_: after remove() the device holds nothing") {
  BalloonWorld& w = state<BalloonWorld>();
  const Status status = w.report();
  const unsigned served = declare_goal("the request is served"),
                 given_up = declare_goal("the request is abandoned");
  thread([&w] { w.transport.run_device(); });
  thread([&w] {
    w.driver().remove();
    w.contents.use(0);
  });
  at_end([&w, status, served, given_up] {
    reached(w.completed == Status::Ok ? served : given_up);
    w.check_completed_once(status);
  });
}

// broken_ and config_changed_ are relaxed: the wakeup request carries them.
FALLOW_SCENARIO(BrokenRingBesideTheWorker,
                "DriverContext::broken_: the worker sees the reason for its wakeup") {
  BalloonWorld& w = state<BalloonWorld>();
  w.used_index().store(3);
  const unsigned beside = declare_goal("the worker runs while the ring breaks");
  bool& ran = state<bool>(false);
  thread([&w] { w.driver().queue_used(queue_number(w.device().offered(), BalloonQueue::Reporting)); });
  thread([&w, &ran] { ran = w.work(); });
  at_end([&w, &ran, beside] {
    reached(beside, ran);
    w.work_until_quiet(w.port().now() + BalloonDriver::kFirstRetry);
    if (w.driver().stats().probes != 2) engine().fail("the driver did not recover");
  });
}
FALLOW_SCENARIO(TargetBesideTheWorker,
                "BalloonDriver::config_changed_: the worker sees the reason for its wakeup") {
  BalloonWorld& w = state<BalloonWorld>();
  const unsigned beside = declare_goal("the worker runs while the target changes");
  const std::uint64_t kicks = w.driver().stats().kicks;
  bool& ran = state<bool>(false);
  thread([&w] { w.transport.with_device([&w] { w.device().set_target({1}); }); });
  thread([&w, &ran] { ran = w.work(); });
  at_end([&w, &ran, beside, kicks] {
    reached(beside, ran);
    w.work_until_quiet(w.port().now());
    if (w.driver().stats().kicks == kicks) engine().fail("the driver does not see the new target");
  });
}

}  // namespace fallow::explore
