// Replays a recorded workload on a zone with page reporting, over host memory, and measures what is given
// back.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "fallow/base/units.h"
#include "fallow/host/expected.h"
#include "fallow/reporting/policy_spec.h"
#include "replay/balloon_options.h"
#include "trace/event.h"

namespace fallow::replay {

enum class BackingKind : std::uint8_t { None, Anonymous, Thp, Memfd };

struct ReplayOptions {
  // A path, or "-" for standard input. Without `memory` the trace is read twice; input that is not a regular
  // file is then first copied to a temporary file.
  std::string trace;
  std::optional<ByteCount> memory;  // size of the zone; default: twice the peak of the trace, rounded up
  PolicySpec policy;                // any kind but PolicyKind::None
  Order order{9};
  std::uint32_t capacity = 32;  // scatterlist entries a request
  BackingKind backing = BackingKind::None;
  bool lazy_free = false;  // release with MADV_FREE
  BalloonOptions balloon;
  double speed = 0;  // 0: virtual clock, as fast as possible; otherwise real time, this many times faster
  Nanoseconds settle = seconds(5);  // time that passes after the last event
  // Injects a fault at this interval of trace time. In turn: a discard fails, the reporting device is
  // unregistered and registered again, the device requests a reset, and the driver resets the device (the
  // last two with virtio only). 0: never.
  Nanoseconds disturb{};
  bool verify = false;  // stamp every allocated frame and check the stamp at the free; needs a backing
  bool skip_bad_lines = false;
  trace::PageShift page{};    // page size of the recorded machine
  bool compare_linux = true;  // also compute the policy `linux` with a residency model
  // Any thread may set this to end the replay early; the result covers the events so far.
  const std::atomic<bool>* stop = nullptr;
};

// One point of the time series, and the input of the live view. Times are trace times.
struct ReplaySample {
  Nanoseconds time{};  // since the first event
  Nanoseconds end{};   // end of the trace including settling; 0 while unknown
  std::uint64_t events = 0;
  PfnCount used, free, reported, resident;  // reported: free and marked reported now
  PfnCount reported_ever, refaulted;
  std::uint64_t requests = 0;
  PfnCount linux_resident;  // with compare_linux
};

// Means and the excess cover the time from the first event to the last (duration_s). They are exact with the
// residency model only; with a real backing they use the trapezoid rule. The values at the end are taken
// after the settling. Frames count as given back (reported) if they were resident before, and as refaulted if
// they became resident again later. Memory that was free before the first event is reported before the replay
// and is not counted.
struct ReplayResult {
  bool stopped = false;  // ended early by ReplayOptions::stop
  PfnCount memory;
  std::uint64_t events = 0, allocs = 0, frees = 0;
  std::uint64_t unmatched_frees = 0;  // frees of memory whose allocation is not in the trace: skipped
  std::uint64_t implied_frees = 0;    // allocations of memory that the trace has not freed: freed first
  std::uint64_t failed_allocs = 0;
  std::uint64_t refused_frees = 0;  // frees that the zone refused: a bug in Fallow
  std::uint64_t bad_lines = 0, lost_events = 0;
  std::uint64_t odd_lines = 0;  // skipped lines that no recorder prints and that contain no page event
  std::string first_skipped;    // "line 12: ...": the first damaged or odd line; empty if there is none
  std::uint64_t uncounted_losses = 0;  // statements of the recorder that it lost events, without a number
  std::uint64_t late_events = 0;       // events with a time before that of an earlier event
  double duration_s = 0, mean_used_mib = 0, peak_used_mib = 0, mean_resident_mib = 0, peak_resident_mib = 0,
         end_used_mib = 0, end_resident_mib = 0, excess_gib_s = 0, reported_mib = 0, refaulted_mib = 0;
  std::uint64_t requests = 0, entries = 0, report_failures = 0;
  // Why the host did not release memory and how to fix that; empty if no release failed.
  std::string release_error;
  double report_seconds = 0;
  BalloonCounts balloon;
  std::uint64_t disturbances = 0;
  std::uint64_t corrupted_frames = 0;
  const char* broken_invariant = nullptr;  // result of zone_check() at the end
  double wall_seconds = 0;
  // The result that the policy `linux` would have had with the same memory.
  double linux_mean_resident_mib = 0, linux_end_resident_mib = 0, linux_excess_gib_s = 0,
         linux_refaulted_mib = 0;
};

// Receives progress on the replaying thread.
class ReplayObserver {
 public:
  virtual ~ReplayObserver() = default;
  // Called at least every 50 ms of trace time.
  virtual void sample(const ReplaySample& sample) = 0;
  // Called while the trace is read for its peak, before the replay. `fraction` is 0 to 1, or negative if
  // unknown.
  virtual void scanning(double fraction) = 0;
};

// Runs a replay to its end. The error is a sentence that names the file, line or value. Memory: the tables of
// the zone, the backing, and a bounded part of the trace, never the whole trace.
Expected<ReplayResult> replay(const ReplayOptions& options, ReplayObserver* observer);

}  // namespace fallow::replay
