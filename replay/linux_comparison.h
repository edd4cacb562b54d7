// Computes what the policy `linux` would do: a second thread applies the same events to a second machine that
// has no host memory, only a residency model.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "fallow/host/expected.h"
#include "replay/replay.h"
#include "replay/replay_machine.h"
#include "replay/timeline.h"
#include "trace/event.h"

namespace fallow::replay {

// Consecutive events and what follows them.
struct ReplayChunk {
  std::vector<trace::TraceEvent> events;  // with times since the first event of the trace
  Nanoseconds
      idle_until{};  // if later than the last event: no event comes before this time, so the CPU may go idle
  std::optional<ReplaySample> sample;  // taken after the events; lacks linux_resident
  bool ends_trace = false;             // the means cover the time until the sample; the rest is settling
};

// One thread calls push() and take(). The figures are the same in each run.
class LinuxComparison {
 public:
  // Reports order 9 in requests of 32 entries, as Linux does.
  static Expected<LinuxComparison> create(PfnCount memory);
  ~LinuxComparison();

  // Blocks while too many chunks are queued.
  void push(ReplayChunk chunk);
  // Returns the next completed sample, in the order of the chunks, or nothing if none is ready. With `wait`,
  // returns nothing only if no pushed chunk has a sample left.
  std::optional<ReplaySample> take(bool wait);

  // Waits for all chunks, one of which must have ended the trace. Then fills in the figures of `linux`.
  // push() must not be called afterwards.
  void finish(ReplayResult& result);

 private:
  explicit LinuxComparison(std::unique_ptr<ReplayMachine> machine);
  void run();
  void process(ReplayChunk& chunk);
  void stop();

  static constexpr std::size_t kMaxQueued = 8;

  std::unique_ptr<ReplayMachine> machine_;
  Timeline timeline_;
  double mean_resident_ = 0, excess_ = 0;  // frames, and frame seconds
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ReplayChunk> queue_;   // under mutex_
  std::deque<ReplaySample> ready_;  // under mutex_
  bool busy_ = false;               // under mutex_: a chunk is being processed
  bool stop_ = false;               // under mutex_
  std::thread thread_;
};

}  // namespace fallow::replay
