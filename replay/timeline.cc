#include "replay/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "fallow/zone/zone_stats.h"

namespace fallow::replay {

Timeline::Timeline(ReplayMachine& machine) : machine_(machine) {
  if (on_books()) return;
  machine_.device().set_hook(
      {[](void* self) noexcept { static_cast<Timeline*>(self)->read_resident(); }, this});
}

// `linux` takes its time, some free frames stay unreported for the low watermark, and a host may refuse: it
// is over when a number of passes in a row have given nothing.
void Timeline::prepare() {
  constexpr int kFruitless = 16;
  ReplayPort& port = machine_.port();
  PfnCount reported;
  for (int fruitless = 0; fruitless < kFruitless && port.next_deadline() != kNever; ++fruitless) {
    port.advance_to(std::max(port.now(), port.next_deadline()));
    origin_ = port.now();
    run_worker();
    machine_.settle();
    const PfnCount now = zone_stats(machine_.zone()).reported;
    if (now > reported) fruitless = 0;
    reported = now;
  }
  origin_ = port.now();
  before_ = machine_.reporter().stats();
  spent_before_ = machine_.device().spent();
  wire_before_ = machine_.wire_counts();
  read_resident();
}

void Timeline::disturb_every(Nanoseconds interval) {
  disturb_ = interval;
  next_disturbance_ = interval.raw == 0 ? kNever : now_ + interval;
}

WireCounts Timeline::wire() const {
  WireCounts c = machine_.wire_counts();
  c.to_device -= wire_before_.to_device;
  c.to_driver -= wire_before_.to_driver;
  c.descriptors -= wire_before_.descriptors;
  c.refused -= wire_before_.refused;
  c.resets -= wire_before_.resets;
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

// In slices, to notice `stop`.
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
  if (on_books()) resident_.hold(time, machine_.books().resident().raw);
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
  if (on_books()) return;
  Backing& backing = machine_.memory()->backing();
  const Result<PfnCount> resident = backing.resident();
  if (resident.ok()) {
    resident_.line(now_, resident.value().raw);
  } else if (error_.empty()) {
    error_ = fmt::format("the kernel does not say what is resident: {}", std::strerror(backing.last_error()));
  }
}

PfnCount Timeline::resident_now() const {
  return on_books() ? machine_.books().resident() : PfnCount{resident_.value()};
}

}  // namespace fallow::replay
