// idle: reports what is free, and does nothing for the time that it is given.
#pragma once

#include "apps/guest/context.h"
#include "apps/guest/early_memory.h"
#include "apps/guest/settling.h"
#include "apps/guest/workload.h"

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
  Settling settling_;
  Nanoseconds end_;
};

}  // namespace fallow::guest
