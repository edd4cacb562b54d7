// The time of a replay: what becomes due while it passes, and what is measured over it.
#pragma once

#include <atomic>
#include <string>

#include "fallow/base/units.h"
#include "replay/curve.h"
#include "replay/replay_machine.h"

namespace fallow::replay {

// Times count from the first event. One thread.
class Timeline {
 public:
  // A CPU that has nothing to do for this long goes idle, and drains its local cache.
  static constexpr Nanoseconds kIdle = milliseconds(1);

  explicit Timeline(ReplayMachine& machine);

  // Reports what is free from the beginning, on the virtual clock; the time is 0 afterwards, whatever that
  // took.
  void prepare();
  // From here on, the machine is disturbed at this interval; 0: no more.
  void disturb_every(Nanoseconds interval);
  // From here on real time passes, `speed` times as fast. `stop`, which may be null, ends waiting.
  Status start_real(double speed, const std::atomic<bool>* stop);

  // The next event comes at `time`, or none does until then: the CPU goes idle if that is far.
  void go_idle_until(Nanoseconds time) {
    if ((time - now_) >= kIdle) machine_.idle();
  }
  // Lets time pass until `time`, which must not be before now(), and runs the worker whenever it is due.
  void pass_until(Nanoseconds time);

  // Reads how much is resident.
  void read_resident() noexcept;

  Nanoseconds now() const { return now_; }
  const Curve& used() const { return used_; }
  // Exact with the books; with a backing, straight lines between the readings: before and after each pass
  // on the virtual clock, and whenever read_resident() is called.
  const Curve& resident() const { return resident_; }
  PfnCount resident_now() const;
  // Requests and entries since prepare().
  std::uint64_t requests() const { return machine_.reporter().stats().requests - before_.requests; }
  std::uint64_t entries() const { return machine_.reporter().stats().entries - before_.entries; }
  std::uint64_t failures() const { return machine_.reporter().stats().failures - before_.failures; }
  WireCounts wire() const;
  Nanoseconds in_report() const { return machine_.device().spent() - spent_before_; }
  // What the kernel did not tell; empty if nothing.
  const std::string& error() const { return error_; }

 private:
  // Nothing but disturbing happens in between.
  void pass_undisturbed(Nanoseconds time);
  void pass_virtual(Nanoseconds time);
  void pass_real(Nanoseconds time);
  void move_to(Nanoseconds time);
  void run_worker();
  bool on_books() const { return machine_.memory() == nullptr; }

  ReplayMachine& machine_;
  Nanoseconds origin_{};  // the port's time at 0
  Nanoseconds now_{};
  Curve used_, resident_;
  Nanoseconds disturb_{}, next_disturbance_{kNever};
  ReportingStats before_;
  WireCounts wire_before_;
  Nanoseconds spent_before_{};
  const std::atomic<bool>* stop_ = nullptr;
  std::string error_;
};

}  // namespace fallow::replay
