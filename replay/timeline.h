// Advances the time of a replay, runs due work and measures the curves.
#pragma once

#include <atomic>
#include <string>

#include "fallow/base/units.h"
#include "replay/curve.h"
#include "replay/replay_machine.h"

namespace fallow::replay {

// Times are relative to the first event. For use by one thread.
class Timeline {
 public:
  // A CPU without events for this long goes idle and drains its local cache.
  static constexpr Nanoseconds kIdle = milliseconds(1);

  explicit Timeline(ReplayMachine& machine);

  // Reports the initially free memory on the virtual clock. Afterwards the time is 0, however long that took.
  void prepare();
  // Injects a fault at this interval from now on; 0 stops injection.
  void disturb_every(Nanoseconds interval);
  // Switches to real time, `speed` times as fast. `stop`, which may be null, ends waiting.
  Status start_real(double speed, const std::atomic<bool>* stop);

  // The next event comes at `time` or later. If that is far away, the CPU goes idle.
  void go_idle_until(Nanoseconds time) {
    if ((time - now_) >= kIdle) machine_.idle();
  }
  // Lets time pass until `time`, which must not be before now(), and runs the worker whenever due.
  void pass_until(Nanoseconds time);

  // Reads the resident size from the backing.
  void read_resident() noexcept;

  Nanoseconds now() const { return now_; }
  const Curve& used() const { return used_; }
  // Exact with the residency model only. With a backing, straight lines between the readings: before and
  // after each pass on the virtual clock, and at each read_resident().
  const Curve& resident() const { return resident_; }
  PfnCount resident_now() const;
  // Requests, entries and failures since prepare().
  std::uint64_t requests() const { return machine_.reporter().stats().requests - before_.requests; }
  std::uint64_t entries() const { return machine_.reporter().stats().entries - before_.entries; }
  std::uint64_t failures() const { return machine_.reporter().stats().failures - before_.failures; }
  BalloonCounts balloon() const;
  Nanoseconds in_report() const { return machine_.device().spent() - spent_before_; }
  // Describes a failed reading of the resident size; empty if none failed.
  const std::string& error() const { return error_; }

 private:
  // Lets time pass without a fault.
  void pass_undisturbed(Nanoseconds time);
  void pass_virtual(Nanoseconds time);
  void pass_real(Nanoseconds time);
  void move_to(Nanoseconds time);
  void run_worker();
  bool modelled() const { return machine_.memory() == nullptr; }

  ReplayMachine& machine_;
  Nanoseconds origin_{};  // time of the port at time 0
  Nanoseconds now_{};
  Curve used_, resident_;
  Nanoseconds disturb_{}, next_disturbance_{kNever};
  ReportingStats before_;
  BalloonCounts balloon_before_;
  Nanoseconds spent_before_{};
  const std::atomic<bool>* stop_ = nullptr;
  std::string error_;
};

}  // namespace fallow::replay
