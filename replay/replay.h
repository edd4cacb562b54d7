// Replays a recorded workload on a zone with reporting, over host memory, and measures what went back.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "fallow/base/units.h"
#include "replay/wire_options.h"
#include "trace/event.h"

namespace fallow::replay {

enum class PolicyKind : std::uint8_t { Hwm, Linux, Aged };
enum class BackingKind : std::uint8_t { None, Anonymous, Thp, Memfd };

struct ReplayOptions {
  // A path, or "-" for standard input. Without `memory` it is read twice; what is no regular file is copied
  // to a temporary file for that.
  std::string trace;
  std::optional<ByteCount> memory;  // size of the zone; default: twice the trace's peak, rounded up
  PolicyKind policy = PolicyKind::Aged;
  Nanoseconds age = milliseconds(100);
  Order order{9};
  std::uint32_t capacity = 32;  // scatterlist entries a request
  std::uint32_t hwm = 32;
  BackingKind backing = BackingKind::None;
  bool lazy_free = false;  // release with MADV_FREE
  WireOptions wire;
  double speed = 0;  // 0: as fast as it goes, on a virtual clock; else real time, this many times faster
  Nanoseconds settle = seconds(5);  // passes after the last event
  // At this interval of the trace's time something goes wrong, in turn: the device fails, is reset (virtio
  // only), and is unregistered and registered again. 0: never.
  Nanoseconds disturb{};
  bool verify = false;  // stamp every allocated frame and check it at its free; needs a backing
  bool skip_bad_lines = false;
  trace::PageShift page{};                  // of the recorded machine
  bool compare_linux = true;                // replay on books with the policy `linux` beside it
  const std::atomic<bool>* stop = nullptr;  // set by anyone: the replay ends early, with what there is so far
};

// One point of the time series, and what the live view draws. Times are the trace's.
struct ReplaySample {
  Nanoseconds time{};  // since the first event
  Nanoseconds end{};   // of the trace, settling included; 0 while not known
  std::uint64_t events = 0;
  PfnCount used, free, reported, resident;  // reported: free and marked now
  PfnCount reported_ever, refaulted;
  std::uint64_t requests = 0;
  PfnCount linux_resident;  // with compare_linux
};

// Means and the excess are over the time from the first event to the last (duration_s), exact with the books
// and by the trapezoid rule with a real backing; the end is after the settling. Given back, or reported, is
// what was resident until then; refaulted is what was given back and has become resident again. What was free
// before the first event is reported by then, and counts nowhere.
struct ReplayResult {
  bool stopped = false;  // early, by ReplayOptions::stop
  PfnCount memory;
  std::uint64_t events = 0, allocs = 0, frees = 0;
  std::uint64_t unmatched_frees = 0;  // frees of what the trace never allocated: skipped
  std::uint64_t implied_frees = 0;    // allocations of what the trace holds allocated: freed first
  std::uint64_t failed_allocs = 0;
  std::uint64_t refused_frees = 0;  // frees that the zone refused: a fault of Fallow
  std::uint64_t bad_lines = 0, lost_events = 0;
  std::uint64_t odd_lines = 0;  // neither of a recorder nor with a page event: skipped
  std::string first_skipped;    // "line 12: ...": the first of the bad and odd lines; empty if there is none
  std::uint64_t uncounted_losses = 0;  // times that the recorder lost events and does not say how many
  std::uint64_t late_events = 0;       // with a time before that of an earlier event
  double duration_s = 0, mean_used_mib = 0, peak_used_mib = 0, mean_resident_mib = 0, peak_resident_mib = 0,
         end_used_mib = 0, end_resident_mib = 0, excess_gib_s = 0, reported_mib = 0, refaulted_mib = 0;
  std::uint64_t requests = 0, entries = 0, report_failures = 0;
  std::string
      release_error;  // why the host did not release memory, and what helps; empty: it did, or there was none
  double report_seconds = 0;
  WireCounts wire;
  std::uint64_t disturbances = 0;
  std::uint64_t corrupted_frames = 0;
  const char* broken_invariant = nullptr;  // zone_check() at the end
  double wall_seconds = 0;
  // What `linux` would have done on the same memory.
  double linux_mean_resident_mib = 0, linux_end_resident_mib = 0, linux_excess_gib_s = 0,
         linux_refaulted_mib = 0;
};

// Receives progress; called by the thread that replays.
class ReplayObserver {
 public:
  virtual ~ReplayObserver() = default;
  // At least every 50 ms of trace time.
  virtual void sample(const ReplaySample& sample) = 0;
  // While the trace is read for its peak, before the replay: `fraction` from 0 to 1, or negative if unknown.
  virtual void scanning(double fraction) = 0;
};

// Runs a replay to its end. On failure returns nothing and sets `error` to a sentence naming the file, line
// or value. Takes memory for the zone's tables, the backing, and what is in flight of the trace; never the
// whole trace.
std::optional<ReplayResult> replay(const ReplayOptions& options, ReplayObserver* observer,
                                   std::string* error);

}  // namespace fallow::replay
