// EarliestDeadline on its own: the state that every port keeps behind wake_at().
#include "fallow/platform/detail/deadline.h"

#include "tests/explore/scenarios/zones.h"

namespace fallow::explore {
namespace {

// Work for which a thread requests a wakeup, and the worker that takes the request and then checks for work.
struct Sleeper {
  detail::EarliestDeadline deadline;
  bool work[2] = {};  // not atomic: lower() and take() order it
  unsigned done = 0;

  void ask(unsigned i, Nanoseconds when) {
    engine().plain(&work[i], 1, true, "the work");
    work[i] = true;
    static_cast<void>(deadline.lower(when));
  }
  void look(unsigned i) {
    engine().plain(&work[i], 1, false, "the work");
    done += work[i] ? 1 : 0;
  }
};

}  // namespace

FALLOW_SCENARIO(RequestBesideTake,
                "EarliestDeadline: a later request without effect stays, or the worker finds its work") {
  detail::EarliestDeadline& d = state<detail::EarliestDeadline>();
  std::atomic<bool>& work = state<std::atomic<bool>>(false);
  bool& found = state<bool>(false);
  d.lower({5});
  thread([&] {
    work.store(true, std::memory_order_relaxed);
    static_cast<void>(d.lower({7}));
  });
  thread([&] {
    if (!d.take_if_due({5})) engine().fail("a request that is due is not taken");
    found = work.load(std::memory_order_relaxed);
  });
  const unsigned finds = declare_goal("the worker finds the work"), stays = declare_goal("the request stays");
  at_end([&, finds, stays] {
    reached(finds, found && d.get() == kNever);
    reached(stays, d.get() == Nanoseconds{7});
    if (!found && d.get() == kNever) engine().fail("a wakeup request is lost");
  });
}

FALLOW_SCENARIO(TwoRequestsBesideTake,
                "EarliestDeadline: take() acquires the work of every request that it takes") {
  Sleeper& s = state<Sleeper>();
  bool& taken = state<bool>(false);
  const unsigned both = declare_goal("both requests are taken");
  thread([&s] { s.ask(0, {3}); });
  thread([&s] { s.ask(1, {5}); });
  thread([&s, &taken, both] {
    while (s.deadline.get() != Nanoseconds{3}) engine().wait();
    taken = s.deadline.take_if_due({10});
    if (!taken) engine().fail("a request that is due is not taken");
    s.look(0);
    // The later request may have come before, or may still come.
    reached(both, s.done == 1 && s.work[1]);
  });
  at_end([&s] {
    if (s.done != 1) engine().fail("the work of a request that was taken is not seen");
    if (s.deadline.get() != kNever && s.deadline.get() != Nanoseconds{5})
      engine().fail("the remaining request is not the one that was made");
  });
}

FALLOW_SCENARIO(TwoRequests,
                "EarliestDeadline: of two requests the earlier one counts, and its thread is informed") {
  detail::EarliestDeadline& d = state<detail::EarliestDeadline>();
  bool* const told = state<std::array<bool, 2>>().data();
  thread([&d, told] { told[0] = d.lower({3}); });
  thread([&d, told] { told[1] = d.lower({5}); });
  at_end([&d, told, late = declare_goal("the later request is reported first")] {
    reached(late, told[1]);
    if (d.get() != Nanoseconds{3} || !told[0]) engine().fail("the earlier of two requests is lost");
  });
}

FALLOW_SCENARIO(TwoProcessorsTake,
                "EarliestDeadline: two processors find a request due, and exactly one runs the worker") {
  detail::EarliestDeadline& d = state<detail::EarliestDeadline>();
  unsigned& runs = state<unsigned>(0u);
  d.lower({5});
  for (unsigned i = 0; i < 2; ++i) thread([&d, &runs] { runs += d.take_if_due({10}) ? 1 : 0; });
  at_end([&runs, once = declare_goal("one processor runs the worker")] {
    reached(once, runs == 1);
    if (runs != 1) engine().fail("a request is taken twice or never");
  });
}

}  // namespace fallow::explore
