// One running replay.
#pragma once

#include <memory>
#include <string>

#include "fallow/host/expected.h"
#include "replay/linux_comparison.h"
#include "replay/replay.h"
#include "replay/replay_machine.h"
#include "replay/timeline.h"
#include "trace/trace_reader.h"

namespace fallow::replay {

class ReplayRun {
 public:
  // `duration` is that of the trace, 0 if unknown. `options` and `observer`, which may be null, must outlive
  // this object.
  static Expected<ReplayRun> create(const ReplayOptions& options, PfnCount memory, Nanoseconds duration,
                                    ReplayObserver* observer);

  // Replays all events. Returns false on an error; see error().
  bool play(trace::TraceReader& reader);
  // Lets the settling time pass and returns the result.
  ReplayResult finish();

  const std::string& error() const { return error_; }

 private:
  // Samples in longer gaps between events are spaced further apart.
  static constexpr Nanoseconds kSampleStep = milliseconds(50);
  static constexpr std::uint64_t kMaxSamplesPerGap = 100'000;
  static constexpr std::size_t kMaxChunk = 4096;

  ReplayRun(const ReplayOptions& options, std::unique_ptr<ReplayMachine> machine,
            std::unique_ptr<LinuxComparison> comparison, ReplayObserver* observer);

  bool step(trace::TraceEvent event);
  void pass_until(Nanoseconds time);
  void end_trace();
  void sample(bool ends_trace);
  ReplaySample take_sample();
  void send(ReplayChunk chunk);
  void deliver(bool wait);
  bool stopped() const;

  const ReplayOptions& options_;
  ReplayObserver* observer_;
  std::unique_ptr<ReplayMachine> machine_;
  Timeline timeline_;
  std::unique_ptr<LinuxComparison> comparison_;  // null: no comparison requested
  Nanoseconds first_{}, last_{},
      end_{};  // first_ as recorded; last event and end, relative to the first event
  bool any_ = false;
  Nanoseconds next_sample_{kSampleStep};
  ReplayChunk chunk_;
  ReplayResult result_;
  std::string error_;
};

}  // namespace fallow::replay
