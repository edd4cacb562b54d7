// What a scenario acts on: a zone with its caches, a reporter, a device, and the oracle that watches.
#pragma once

#include <cstdint>

#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "fallow/zone/detail/isolation.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "tests/explore/engine/engine.h"
#include "tests/explore/world/memory_judge.h"
#include "tests/explore/world/model_device.h"
#include "tests/explore/world/model_port.h"
#include "tests/explore/world/oracle.h"

namespace fallow::explore {

// What came of an allocation.
struct Got {
  bool ok;
  Pfn pfn;
};

class World {
 public:
  explicit World(const ZoneConfig& config);

  // Before any thread: frames that are never free.
  void withhold(Pfn first, PfnCount count);

  // Before any thread, as registering does: blocks of this order matter, and all are looked at.
  void report_from(unsigned order);

  // What the scenario's threads do; each call is watched.
  Got allocate(std::uint32_t cache, unsigned order = 0, Mobility mobility = Mobility::Movable);
  void free(std::uint32_t cache, Pfn pfn, unsigned order = 0);
  // Frames that nobody owns: must be refused, and change nothing. Where another thread may just have been
  // given them, and the free is accepted, the schedule is abandoned.
  void misuse(std::uint32_t cache, Pfn pfn, unsigned order = 0);
  // The same where the free may be accepted at first, which it returns: must be named once the cache is
  // drained.
  bool late_misuse(std::uint32_t cache, Pfn pfn);
  // The oracle is not told: for misuse after which nobody can say whose the frames are.
  Status free_untold(std::uint32_t cache, Pfn pfn, unsigned order = 0);
  Got allocate_untold(std::uint32_t cache, unsigned order = 0);
  void drain(std::uint32_t cache);
  void retire(std::uint32_t cache);
  // `above_low`: how many frames above the low watermark must be free for the policy to report anything
  // (R11); 0: a block of its order.
  void register_device(Policy& policy, PfnCount above_low = {});
  // What the next device promises; no device is registered.
  void content_after(Content promise) {
    promised_before_ = device_.promises;
    device_.promises = promise;
  }
  void unregister_device();
  void forget();
  bool registered() const { return registered_; }
  // No device is there, and nobody is registering, unregistering or forgetting.
  bool can_register() const { return !registered_ && controls_ == 0; }
  // The worker's thread: runs it up to `rounds` times for what is due by now, or after `wait` of virtual
  // time.
  void work(unsigned rounds = 1, Nanoseconds wait = {});
  // Calls the worker though nothing is due: a caller whose wakeup request was for something else.
  void call_worker();
  // Completes a request that the device holds, if there is one; complete_next() waits for it.
  bool complete(Status status);
  void complete_next(Status status);
  // What a pass is made of, without a reporter: isolates what `want` selects, at most `most` frames, and puts
  // it back, reported or not, in `requests` requests at most.
  void report(const detail::Selection& want, PfnCount most, bool reported = true, unsigned requests = ~0U);
  // The two halves of that, for requests in flight while others are made. The first returns the request's
  // number.
  unsigned begin_report(const detail::Selection& want, PfnCount most);
  void end_report(unsigned request, bool reported = true);
  // Each request of report() is in flight until another thread has come as far as it can.
  void take_time_to_report() { takes_time_ = true; }

  // After all threads: completes, drains and reports what is left, and looks at everything.
  void settle();

  Zone& zone() { return *zone_; }
  Reporter& reporter() { return reporter_; }
  ModelDevice& device() { return device_; }
  ModelPort& port() { return port_; }
  Oracle& oracle() { return oracle_; }
  std::uint64_t refusals() const { return refusals_; }

 private:
  void begin_call();
  void end_call();
  bool is_misused(Pfn first, PfnCount count) const;
  static void wrote(void* context, void* at, std::uint64_t before, std::uint64_t after);
  void check_entry(detail::BlockEntry entry) const;
  void check_word(std::uint64_t word, detail::FrameWord before, detail::FrameWord after);
  void check_quiet(const char* when);
  void check_counts();
  void finish_requests();
  void let_worker_rest();
  bool starved() const;
  bool past_the_mark() const;
  void check_flag();
  void check_everything_reported();
  void free_everything();

  ModelPort port_;
  Zone* zone_;
  Oracle& oracle_;
  MemoryJudge judge_;
  Zone* zones_[1];
  Reporter reporter_;
  ModelDevice device_;
  Policy* policy_ = nullptr;
  Content promised_before_ = Content::Unknown;
  PfnCount above_low_;
  bool registered_ = false;
  bool split_ = false;  // an allocation since the device registered may have split a larger block
  const std::byte *words_ = nullptr, *entries_ = nullptr;  // what is watched
  bool takes_time_ = false;
  struct Request {
    std::uint32_t entries = 0;
    ScatterEntry list[ModelDevice::kMaxCapacity];
  };
  static constexpr unsigned kMaxRequests = 4;
  Request begun_[kMaxRequests];
  unsigned begun_count_ = 0;
  const void* forget_epoch_ = nullptr;
  std::uint64_t refusals_ = 0, misuses_ = 0;
  // Calls under way, and all that ever began.
  unsigned moving_ = 0, moves_ = 0;  // those that may move frames into a hand or out of it
  unsigned misusing_ = 0;
  // By thread: the frames of a wrong free under way.
  struct Misused {
    Pfn first;
    PfnCount count;
  };
  Misused misused_[Engine::kMaxThreads + 1] = {};
  unsigned controls_ = 0, control_calls_ = 0;
};

}  // namespace fallow::explore
