#include "replay/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "fallow/zone/zone_stats.h"

namespace fallow::replay {

Timeline::Timeline(ReplayMachine& machine) : machine_(machine) {
  if (modelled()) return;
  machine_.device().set_hook(
      {[](void* self) noexcept { static_cast<Timeline*>(self)->read_resident(); }, this});
}

// The initial reports are complete when several passes in a row have reported nothing. `linux` takes several
// passes, the low watermark keeps some free frames unreported, and a host may refuse.
void Timeline::prepare() {
  constexpr int kMaxIdlePasses = 16;
  ReplayPort& port = machine_.port();
  PfnCount reported;
  for (int idle_passes = 0; idle_passes < kMaxIdlePasses && port.next_deadline() != kNever; ++idle_passes) {
    port.advance_to(std::max(port.now(), port.next_deadline()));
    origin_ = port.now();
    run_worker();
    machine_.settle();
    const PfnCount now = zone_stats(machine_.zone()).reported;
    if (now > reported) idle_passes = 0;
    reported = now;
  }
  origin_ = port.now();
  before_ = machine_.reporter().stats();
  spent_before_ = machine_.device().spent();
  balloon_before_ = machine_.balloon_counts();
  read_resident();
}

void Timeline::disturb_every(Nanoseconds interval) {
  disturb_ = interval;
  next_disturbance_ = interval.raw == 0 ? kNever : now_ + interval;
}

BalloonCounts Timeline::balloon() const {
  BalloonCounts c = machine_.balloon_counts();
  c.to_device -= balloon_before_.to_device;
  c.to_driver -= balloon_before_.to_driver;
  c.descriptors -= balloon_before_.descriptors;
  c.refused -= balloon_before_.refused;
  c.resets -= balloon_before_.resets;
  return c;
}

Status Timeline::start_real(double speed, const std::atomic<bool>* stop) {
  stop_ = stop;
  machine_.device().set_hook({});
  return machine_.port().start_real(speed, worker_of(machine_));
}

void Timeline::pass_until(Nanoseconds time) {
  for (; next_disturbance_ <= time; next_disturbance_ = next_disturbance_ + disturb_) {
    pass_undisturbed(next_disturbance_);
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) break;
    machine_.disturb();
  }
  pass_undisturbed(time);
}

void Timeline::pass_undisturbed(Nanoseconds time) {
  if (machine_.port().real()) {
    pass_real(time);
  } else {
    pass_virtual(time);
  }
}

void Timeline::pass_virtual(Nanoseconds time) {
  ReplayPort& port = machine_.port();
  const Nanoseconds until = origin_ + time;
  for (Nanoseconds due = port.next_deadline(); due <= until && due != kNever; due = port.next_deadline()) {
    if (due > port.now()) {
      move_to(due - origin_);
      port.advance_to(due);
    }
    run_worker();
  }
  move_to(time);
  if (until > port.now()) port.advance_to(until);
}

// Sleeps in slices to notice `stop`.
void Timeline::pass_real(Nanoseconds time) {
  constexpr Nanoseconds kSlice = milliseconds(50);
  ReplayPort& port = machine_.port();
  const Nanoseconds until = port.to_real(origin_ + time);
  for (Nanoseconds real = port.real_now(); real < until; real = port.real_now()) {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) break;
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(kSlice, until - real).raw));
  }
  move_to(time);
}

void Timeline::move_to(Nanoseconds time) {
  if (time == now_) return;
  used_.hold(time, machine_.used().raw);
  if (modelled()) resident_.hold(time, machine_.residency().resident().raw);
  now_ = time;
}

void Timeline::run_worker() {
  ReplayPort& port = machine_.port();
  machine_.device().expect_pass();
  port.take_if_due();
  port.wake_at(machine_.run());
  if (machine_.device().reported()) read_resident();
}

void Timeline::read_resident() noexcept {
  if (modelled()) return;
  Backing& backing = machine_.memory()->backing();
  const Result<PfnCount> resident = backing.resident();
  if (resident.ok()) {
    resident_.line(now_, resident.value().raw);
  } else if (error_.empty()) {
    error_ =
        fmt::format("cannot read the resident size from the kernel: {}", std::strerror(backing.last_error()));
  }
}

PfnCount Timeline::resident_now() const {
  return modelled() ? machine_.residency().resident() : PfnCount{resident_.value()};
}

}  // namespace fallow::replay
