// The objects on which a scenario acts: a zone with its caches, a reporter, a device, and the oracle.
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

// The result of an allocation.
struct Got {
  bool ok;
  Pfn pfn;
};

class World {
 public:
  explicit World(const ZoneConfig& config);

  // Called before any thread: withholds frames, which are never free.
  void withhold(Pfn first, PfnCount count);

  // Called before any thread, as registration does: blocks of this order matter, and all blocks are dirty.
  void report_from(unsigned order);

  // The operations of the scenario's threads; each call is checked.
  Got allocate(std::uint32_t cache, unsigned order = 0, Mobility mobility = Mobility::Movable);
  void free(std::uint32_t cache, Pfn pfn, unsigned order = 0);
  // Frees unowned frames: the free must be refused, and change nothing. If another thread may just have
  // allocated them, and the free is accepted, the schedule is abandoned.
  void misuse(std::uint32_t cache, Pfn pfn, unsigned order = 0);
  // Like misuse(), but the free may be accepted at first; returns whether it was. The misuse must be reported
  // once the cache is drained.
  bool late_misuse(std::uint32_t cache, Pfn pfn);
  // Does not inform the oracle: for misuse after which the owner of the frames is undetermined.
  Status free_untold(std::uint32_t cache, Pfn pfn, unsigned order = 0);
  Got allocate_untold(std::uint32_t cache, unsigned order = 0);
  void drain(std::uint32_t cache);
  void retire(std::uint32_t cache);
  // `above_low`: how many frames above the low watermark must be free before the policy reports anything
  // (R11); 0 means a block of its order.
  void register_device(Policy& policy, PfnCount above_low = {});
  // Sets the promise of the next device; no device is registered.
  void content_after(Content promise) {
    offered_before_ = device_.promises;
    device_.promises = promise;
  }
  void unregister_device();
  void forget();
  bool registered() const { return registered_; }
  // No device is registered, and no thread is registering, unregistering or forgetting.
  bool can_register() const { return !registered_ && controls_ == 0; }
  // The worker's thread: runs the worker up to `rounds` times for work due by now, or after `wait` of virtual
  // time.
  void work(unsigned rounds = 1, Nanoseconds wait = {});
  // Calls the worker although nothing is due, like a caller whose wakeup request had another reason.
  void call_worker();
  // Completes a request that the device holds, if any; complete_next() waits for one.
  bool complete(Status status);
  void complete_next(Status status);
  // A pass without a reporter: isolates what `want` selects, at most `most` frames, and puts it back,
  // reported or not, in at most `requests` requests.
  void report(const detail::Selection& want, PfnCount most, bool reported = true, unsigned requests = ~0U);
  // The two halves of report(), for overlapping requests. The first returns the request's number.
  unsigned begin_report(const detail::Selection& want, PfnCount most);
  void end_report(unsigned request, bool reported = true);
  // Each request of report() stays in flight until another thread has progressed as far as possible.
  void take_time_to_report() { takes_time_ = true; }

  // Called after all threads: completes, drains and reports everything, and checks the final state.
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
  Content offered_before_ = Content::Unknown;
  PfnCount above_low_;
  bool registered_ = false;
  bool split_ = false;  // an allocation since the registration may have split a larger block
  const std::byte *words_ = nullptr, *entries_ = nullptr;  // the watched tables
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
  // Calls in progress, and the total number of calls.
  unsigned moving_ = 0, moves_ = 0;  // calls that may move frames into a hand or out of it
  unsigned misusing_ = 0;
  // By thread: the frames of a wrong free in progress.
  struct Misused {
    Pfn first;
    PfnCount count;
  };
  Misused misused_[Engine::kMaxThreads + 1] = {};
  unsigned controls_ = 0, control_calls_ = 0;
};

}  // namespace fallow::explore
