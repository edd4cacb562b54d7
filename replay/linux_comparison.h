// What `linux` would have done: the same events on a second machine, on books, on a thread beside the replay.
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

// Events that follow each other, and what comes after them.
struct ReplayChunk {
  std::vector<trace::TraceEvent> events;  // with times since the first of all
  Nanoseconds idle_until{};               // if later than the last event: the CPU may go idle
  std::optional<ReplaySample> sample;     // taken after them; lacks linux_resident
  bool ends_trace = false;  // the means are over the time until the sample; the rest is settling
};

// push() and take() are for one thread. Gives the same figures each run.
class LinuxComparison {
 public:
  // Order 9 and requests of 32 entries, as in Linux.
  static Expected<LinuxComparison> create(PfnCount memory);
  ~LinuxComparison();

  // Waits while too many chunks are under way.
  void push(ReplayChunk chunk);
  // A chunk's sample, completed, in the order of the chunks; nothing if none is ready. With `wait`, nothing
  // only if no chunk that was pushed has one left.
  std::optional<ReplaySample> take(bool wait);

  // Waits for all chunks, of which one must have ended the trace, and fills in what `linux` would have done.
  // Nothing may be pushed afterwards.
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
