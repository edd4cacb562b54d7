// Samples and results for the tests of the output about them.
#pragma once

#include <cstdint>

#include "cli/replay/replay_diagnosis.h"
#include "cli/replay/replay_options.h"
#include "replay/replay.h"

namespace fallow::cli {

constexpr PfnCount mib(std::uint64_t count) { return {count << (20 - kFrameShift)}; }

// Progress at half of the time and of the events of a trace of 10 s.
inline replay::ReplaySample sample_at(Nanoseconds time) {
  return {.time = time,
          .end = seconds(10),
          .events = 500,
          .used = mib(100),
          .free = mib(300),
          .reported = mib(250),
          .resident = mib(110),
          .reported_ever = mib(400),
          .refaulted = mib(150),
          .requests = 7,
          .linux_resident = mib(200)};
}

// A replay in which no figure is zero without need.
inline ReplayReport typical_report() {
  ReplayReport report{.options = default_replay_options(), .result = {}};
  report.options.trace = "day.txt.zst";
  replay::ReplayResult& r = report.result;
  r.memory = mib(2048);
  r.events = 2'843'123;
  r.allocs = 1'442'001;
  r.frees = 1'401'122;
  r.duration_s = 85.25;
  r.mean_used_mib = 444;
  r.peak_used_mib = 889;
  r.mean_resident_mib = 455;
  r.peak_resident_mib = 905;
  r.end_used_mib = 279;
  r.end_resident_mib = 281;
  r.excess_gib_s = 1.0;
  r.reported_mib = 4521;
  r.refaulted_mib = 2300;
  r.requests = 3120;
  r.entries = 9001;
  r.report_seconds = 0.35;
  r.wall_seconds = 2;
  r.linux_mean_resident_mib = 570;
  r.linux_end_resident_mib = 400;
  r.linux_excess_gib_s = 10.0;
  r.linux_refaulted_mib = 2014;
  return report;
}

}  // namespace fallow::cli
