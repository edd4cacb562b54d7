// Requests and runs for the tests of the output about them.
#pragma once

#include "cli/boot/boot_run.h"

namespace fallow::cli {

constexpr ByteCount in_mib(std::uint64_t count) { return {count << 20}; }

inline BootSample resident_at(Nanoseconds time, std::uint64_t mib) {
  return {.time = time, .resident = in_mib(mib), .guest = {}};
}

// Resident memory: 1000 MiB until "freeing" at 2 s and for 100 ms more, then 1 MiB less each millisecond,
// down to 100 MiB.
inline std::vector<BootSample> a_fall() {
  std::vector<BootSample> samples;
  for (std::uint64_t ms = 1000; ms <= 4000; ++ms) {
    const std::uint64_t gone = ms <= 2100 ? 0 : ms - 2100 < 900 ? ms - 2100 : 900;
    samples.push_back(resident_at(milliseconds(ms), 1000 - gone));
  }
  return samples;
}

// A run in which no figure is zero without need.
inline BootRun typical_run() {
  BootRun run;
  run.end = BootEnd::Verdict;
  run.times = {.started = milliseconds(50),
               .device = milliseconds(60),
               .registered = milliseconds(70),
               .first_report = milliseconds(90),
               .filling = milliseconds(200),
               .filled = milliseconds(1500),
               .freeing = milliseconds(2000),
               .freed = milliseconds(2100),
               .end = milliseconds(4000)};
  run.samples = a_fall();
  run.started = GuestStarted{
      .loader = "pvh", .workload = "fill", .policy = "aged:100ms", .cpus = 1, .memory_kib = 2096640};
  run.device = GuestDevice{.bus = "pci",
                           .place = "00:03.0",
                           .interrupts = "intx",
                           .features = "0x130000025",
                           .ring = "split",
                           .event_index = true,
                           .indirect = true,
                           .reporting = true};
  run.filled_mib = 900;
  GuestVerdict verdict;
  verdict.verdict = "ok";
  verdict.zone_check = "ok";
  verdict.requests = 34;
  verdict.entries = 99;
  verdict.reported_mib = 1900;
  verdict.failures = 0;
  verdict.corrupted_frames = 0;
  run.verdict = verdict;
  return run;
}

}  // namespace fallow::cli
