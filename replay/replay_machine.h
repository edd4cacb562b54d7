// The machine of a replay: a zone with page reporting that executes the events of a trace.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fallow/base/units.h"
#include "fallow/host/backing.h"
#include "fallow/host/expected.h"
#include "fallow/host/release_device.h"
#include "fallow/reporting/policy_spec.h"
#include "fallow/reporting/reporter.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "replay/allocation_map.h"
#include "replay/host_memory.h"
#include "replay/replay_balloon.h"
#include "replay/replay_device.h"
#include "replay/replay_port.h"
#include "replay/residency_model.h"
#include "replay/zeroed_memory.h"
#include "trace/event.h"

namespace fallow::replay {

struct MachineSetup {
  PfnCount memory;
  ConfiguredPolicy policy;
  std::uint32_t capacity = 32;
  BackingKind backing = BackingKind::None;
  bool lazy_free = false;
  bool verify = false;
  BalloonOptions balloon{};
  bool real_time = false;  // driver and device of a virtio balloon run on separate threads from the start
};

struct MachineCounts {
  std::uint64_t events = 0, allocs = 0, frees = 0;
  std::uint64_t unmatched_frees = 0, implied_frees = 0, failed_allocs = 0, refused_frees = 0;
};

// The device is registered from construction to retire(). For use by one thread, except run().
class ReplayMachine {
 public:
  static Expected<ReplayMachine> create(const MachineSetup& setup);
  ~ReplayMachine();
  ReplayMachine(const ReplayMachine&) = delete;
  ReplayMachine& operator=(const ReplayMachine&) = delete;

  // Applies one event. Returns false on an error that ends the replay; see error().
  bool apply(const trace::TraceEvent& event) noexcept;
  // Drains the local caches: no CPU has work.
  void idle() noexcept;
  // Runs the worker once. Returns the time of the next run.
  Nanoseconds run() noexcept;

  // Injects the next fault in turn. Does not wait for the worker, which may run meanwhile. The thread of the
  // worker must not call this function.
  void disturb() noexcept;
  std::uint64_t disturbances() const { return disturbances_; }

  // Waits until no request is in flight and no thread works on one. Only while the worker has no thread.
  void settle() noexcept;

  // Unregisters the device, checks all stamps, returns the local caches and checks the zone. Returns the
  // broken invariant, or null. No other call may run meanwhile or follow.
  const char* retire();

  ReplayPort& port() { return port_; }
  const Zone& zone() const { return *zone_; }
  const ResidencyModel& residency() const { return *residency_; }
  ReplayDevice& device() { return *device_; }
  const Reporter& reporter() const { return *reporter_; }
  BalloonCounts balloon_counts() const { return balloon_ == nullptr ? BalloonCounts{} : balloon_->counts(); }
  // Null if the replay uses only the residency model.
  HostMemory* memory() { return memory_.get(); }
  const MachineCounts& counts() const { return counts_; }
  PfnCount used() const { return used_; }
  PfnCount peak_used() const { return peak_used_; }
  PfnCount peak_modelled() const { return peak_modelled_; }
  const std::string& error() const { return error_; }

 private:
  // Each CPU of the trace has a local cache, as in a kernel; CPUs from kMaxCpus on share these caches.
  static constexpr std::uint32_t kMaxCpus = 64;
  static constexpr std::uint32_t kDriverCache = kMaxCpus;  // the cache of the balloon driver
  // In the allocation map: marks a failed allocation. Any other value is 1 + the zone frame that stands for
  // the recorded frame.
  static constexpr AllocationMap::Value kFailed = ~AllocationMap::Value{0};

  explicit ReplayMachine(const MachineSetup& setup) : setup_(setup) {}
  // Returns an error text, or an empty text on success.
  std::string set_up();
  ZoneConfig zone_config() const;
  std::string set_up_memory();
  std::string set_up_zone();
  std::string set_up_device();
  std::string register_device();
  // Afterwards no request is in flight, no thread of the machine runs, and no device holds frames.
  void tear_down() noexcept;

  // Allocates a block above kMaxOrder (from a machine with larger pages) in parts of kMaxOrder.
  bool allocate(const trace::TraceEvent& event) noexcept;
  // Returns whether the zone had a free block.
  bool take(Pfn pfn, Order order, Mobility mobility) noexcept;
  void free(const trace::TraceEvent& event) noexcept;
  std::uint64_t free_live(const trace::TraceEvent& event) noexcept;
  // Frees the live frames of the block and returns their number.
  std::uint64_t free_live(Pfn pfn, Order order) noexcept;
  void free_frames(Pfn pfn, Order order) noexcept;
  void touch(Pfn first, Order order, bool must_be_zero) noexcept;

  MachineSetup setup_;
  ReplayPort port_;
  AllocationMap allocated_;
  std::unique_ptr<ResidencyModel> residency_;
  std::unique_ptr<Backing> backing_;
  std::unique_ptr<HostMemory> memory_;
  std::unique_ptr<ReleaseDevice> host_device_;
  std::unique_ptr<ReplayBalloon> balloon_;  // null for the direct transport
  std::unique_ptr<ReplayDevice> device_;
  ZeroedMemory metadata_;
  Zone* zone_ = nullptr;
  LocalCache* cache_ = nullptr;  // the cache of the CPU of the current event
  std::uint32_t caches_ = 1;     // number of CPUs seen so far
  std::unique_ptr<Reporter> reporter_;
  bool registered_ = false;
  std::uint64_t disturbances_ = 0;
  MachineCounts counts_;
  PfnCount used_, peak_used_, peak_modelled_;
  std::string error_;
};

}  // namespace fallow::replay
