// Time from the time stamp counter, and conversion to ticks of the local timer.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "guest/protocol/text.h"

namespace fallow::guest::x86 {

class Clock {
 public:
  // Determines the frequency of the counters, from CPUID or else from the PIT, within 6 ms. Called once, on
  // CPU 0, after its local APIC has started.
  void start() noexcept;

  // The time since start(), the same on every CPU. Any CPU may call.
  Nanoseconds now() const noexcept;
  // Busy-waits for at least `time`.
  void pass(Nanoseconds time) const noexcept;
  // The ticks of the local timer until `deadline`: at least one, and at most half of the timer's range.
  std::uint32_t timer_ticks(Nanoseconds from, Nanoseconds deadline) const noexcept;

  // "cpuid", "pit", or "guess". A guess assumes 1 GHz, so times are only proportional to real time.
  StringRef source() const noexcept { return source_; }

 private:
  std::uint64_t origin_ = 0;
  std::uint64_t frequency_ = 0;        // of the time stamp counter, in Hz
  std::uint64_t per_count_ = 0;        // nanoseconds, in units of 2^-32
  std::uint64_t timer_frequency_ = 0;  // of the local timer, in Hz
  StringRef source_;
};

}  // namespace fallow::guest::x86
