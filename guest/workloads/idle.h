// idle: reports what is free, and does nothing for the time that it is given.
#pragma once

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/wait_until_reported.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

class Idle final : public Workload {
 public:
  explicit Idle(Context& context) noexcept : context_(context), settling_(context) {}
  bool create(EarlyMemory&) noexcept { return true; }

  Step step(std::uint32_t, unsigned) noexcept override { return Step::Done; }
  unsigned next(unsigned phase) noexcept override {
    const Nanoseconds now = context_.machine.now();
    if (phase == kIdling) return now < end_ ? kIdling : kOver;
    end_ = now + context_.options.duration;
    return settling_.over() ? kIdling : phase;
  }

 private:
  enum Phase : unsigned { kFirstReports, kIdling };

  Context& context_;
  WaitUntilReported settling_;
  Nanoseconds end_;
};

}  // namespace fallow::guest
