// One replay under way.
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
  // `duration` of the trace, 0 if it is not known. The options and the observer, which may be null, must
  // outlive it.
  static Expected<ReplayRun> create(const ReplayOptions& options, PfnCount memory, Nanoseconds duration,
                                    ReplayObserver* observer);

  // Replays all events. False: see error().
  bool play(trace::TraceReader& reader);
  // Lets the settling time pass, and tells.
  ReplayResult finish();

  const std::string& error() const { return error_; }

 private:
  // Longer gaps between events are shown in steps that are longer, too.
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
  std::unique_ptr<LinuxComparison> comparison_;  // null: not wanted
  Nanoseconds first_{}, last_{}, end_{};         // first event as recorded; last, and all, since the first
  bool any_ = false;
  Nanoseconds next_sample_{kSampleStep};
  ReplayChunk chunk_;
  ReplayResult result_;
  std::string error_;
};

}  // namespace fallow::replay
