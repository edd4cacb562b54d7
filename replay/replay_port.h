// The port of a replay: trace time, driven by a virtual clock or by real time.
#pragma once

#include "fallow/base/check.h"
#include "fallow/host/hosted_port.h"
#include "fallow/platform/detail/virtual_clock.h"

namespace fallow::replay {

// Starts on the virtual clock at 0. After start_real(), trace time passes `speed` times as fast as real time
// and the worker runs on a separate thread. Policies always measure trace time.
class ReplayPort final : public detail::VirtualClock {
 public:
  Nanoseconds now() noexcept override { return real() ? to_trace(hosted_.now()) : VirtualClock::now(); }

  void wake_at(Nanoseconds deadline) noexcept override {
    if (real()) {
      hosted_.wake_at(to_real(deadline));
    } else {
      VirtualClock::wake_at(deadline);
    }
  }

  void relax() noexcept override { hosted_.relax(); }
  std::uintptr_t current() noexcept override { return hosted_.current(); }
  void* allocate(ByteCount size) noexcept override { return hosted_.allocate(size); }
  void release(void* memory, ByteCount size) noexcept override { hosted_.release(memory, size); }

  bool real() const noexcept { return speed_ > 0; }

  // Switches to real time for the rest of the life of the port. `worker` must stay valid until stop_worker().
  // Returns NoMemory if the system provides no thread.
  Status start_real(double speed, Worker worker) noexcept {
    FALLOW_CHECK(speed > 0 && !real());
    trace_start_ = VirtualClock::now();
    real_start_ = hosted_.now();
    const Nanoseconds pending = next_deadline();
    speed_ = speed;
    worker_ = worker;
    if (pending != kNever) wake_at(pending);
    return hosted_.start({run_worker, this});
  }
  void stop_worker() noexcept { hosted_.stop(); }
  bool worker_started() const noexcept { return hosted_.started(); }
  Nanoseconds real_now() noexcept { return hosted_.now(); }

  // Converts trace time to the clock of real_now().
  Nanoseconds to_real(Nanoseconds trace) const noexcept {
    if (trace <= trace_start_) return real_start_;
    const double after = static_cast<double>((trace - trace_start_).raw) / speed_;
    if (trace == kNever || after >= kFarAhead) return kNever;
    return real_start_ + Nanoseconds{static_cast<std::uint64_t>(after)};
  }

 private:
  static constexpr double kFarAhead = 9e18;

  // Rounds up by at least 1 ns, so that a deadline reached in real time is also reached in trace time.
  Nanoseconds to_trace(Nanoseconds real) const noexcept {
    const double after = static_cast<double>((real - real_start_).raw) * speed_;
    return trace_start_ +
           Nanoseconds{static_cast<std::uint64_t>(after) + 1 + static_cast<std::uint64_t>(speed_)};
  }
  static Nanoseconds run_worker(void* self) {
    auto& port = *static_cast<ReplayPort*>(self);
    return port.to_real(port.worker_());
  }

  HostedPort hosted_;
  double speed_ = 0;  // set before the worker starts
  Worker worker_{};
  Nanoseconds trace_start_{}, real_start_{};
};

}  // namespace fallow::replay
