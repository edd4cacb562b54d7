// Time, by the time stamp counter, and the local timer that ends a wait.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "guest/protocol/string_ref.h"

namespace fallow::guest::x86 {

class Clock {
 public:
  // Finds out how fast the counters run: by what CPUID says, else by the PIT, within 6 ms. On CPU 0, once,
  // when its local APIC has started.
  void start() noexcept;

  // Since start() was called; the same on every CPU. Any CPU.
  Nanoseconds now() const noexcept;
  // Keeps the CPU busy for that long at least.
  void pass(Nanoseconds time) const noexcept;
  // The ticks of the local timer until `deadline`, or until half of the longest time it can be armed for, and
  // at least one.
  std::uint32_t timer_ticks(Nanoseconds from, Nanoseconds deadline) const noexcept;

  // "cpuid", "pit", or "guess": the times are then only proportional to what they should be.
  StringRef source() const noexcept { return source_; }

 private:
  std::uint64_t origin_ = 0;
  std::uint64_t frequency_ = 0;        // of the time stamp counter, in Hz
  std::uint64_t per_count_ = 0;        // nanoseconds, in units of 2^-32
  std::uint64_t timer_frequency_ = 0;  // of the local timer, in Hz
  StringRef source_;
};

}  // namespace fallow::guest::x86
