// idle: waits until all free memory is reported, then does nothing for the given duration.
#pragma once

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/wait_until_reported.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

class Idle final : public Workload {
 public:
  explicit Idle(Context& context) noexcept : context_(context), wait_until_reported_(context) {}
  bool create(EarlyMemory&) noexcept { return true; }

  Step step(std::uint32_t, unsigned) noexcept override { return Step::Done; }
  unsigned next(unsigned phase) noexcept override {
    const Nanoseconds now = context_.machine.now();
    if (phase == kIdling) return now < end_ ? kIdling : kOver;
    end_ = now + context_.options.duration;
    return wait_until_reported_.done() ? kIdling : phase;
  }

 private:
  enum Phase : unsigned { kFirstReports, kIdling };

  Context& context_;
  WaitUntilReported wait_until_reported_;
  Nanoseconds end_;
};

}  // namespace fallow::guest
