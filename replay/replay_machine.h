// The machine of a replay: a zone with reporting, on which the events of a trace happen.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fallow/base/units.h"
#include "fallow/host/backing.h"
#include "fallow/host/expected.h"
#include "fallow/host/release_device.h"
#include "fallow/reporting/policies.h"
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

// The policy of a kind, by its interface.
class ReplayPolicy {
 public:
  ReplayPolicy(PolicyKind kind, Order order, Nanoseconds age, std::uint32_t hwm)
      : kind_(kind), hwm_(order, hwm), linux_(order), aged_(order, age) {}
  Policy& get() {
    if (kind_ == PolicyKind::Hwm) return hwm_;
    if (kind_ == PolicyKind::Linux) return linux_;
    return aged_;
  }

 private:
  PolicyKind kind_;
  HwmPolicy hwm_;
  LinuxPolicy linux_;
  AgedPolicy aged_;
};

struct MachineSetup {
  PfnCount memory;
  ReplayPolicy policy;
  std::uint32_t capacity = 32;
  BackingKind backing = BackingKind::None;
  bool lazy_free = false;
  bool verify = false;
  WireOptions wire{};
  bool real_time = false;  // a virtio wire has threads of its own, from the beginning
};

struct MachineCounts {
  std::uint64_t events = 0, allocs = 0, frees = 0;
  std::uint64_t unmatched_frees = 0, implied_frees = 0, failed_allocs = 0, refused_frees = 0;
};

// The device is registered from the beginning to retire(). One thread, but for run().
class ReplayMachine {
 public:
  static Expected<ReplayMachine> create(const MachineSetup& setup);
  ~ReplayMachine();
  ReplayMachine(const ReplayMachine&) = delete;
  ReplayMachine& operator=(const ReplayMachine&) = delete;

  // False: see error(); the machine can go no further.
  bool apply(const trace::TraceEvent& event) noexcept;
  // No CPU has anything to do.
  void idle() noexcept;
  // The worker.
  Nanoseconds run() noexcept;

  // Something goes wrong with the device: the next trouble in turn. Does not wait for the worker, so it may
  // run meanwhile; but the worker's own thread must not call this.
  void disturb() noexcept;
  std::uint64_t disturbances() const { return disturbances_; }

  // Returns when no request is in flight and nobody works at one. While the worker has no thread.
  void settle() noexcept;

  // Checks all stamps, gives up the local cache, unregisters the device, and walks the zone: what is broken,
  // or null. Nothing may run meanwhile, or be done afterwards.
  const char* retire();

  ReplayPort& port() { return port_; }
  const Zone& zone() const { return *zone_; }
  const ResidencyModel& books() const { return *books_; }
  ReplayDevice& device() { return *device_; }
  const Reporter& reporter() const { return *reporter_; }
  WireCounts wire_counts() const { return wire_ == nullptr ? WireCounts{} : wire_->counts(); }
  // Null with books only.
  HostMemory* memory() { return memory_.get(); }
  const MachineCounts& counts() const { return counts_; }
  PfnCount used() const { return used_; }
  PfnCount peak_used() const { return peak_used_; }
  PfnCount peak_on_books() const { return peak_on_books_; }
  const std::string& error() const { return error_; }

 private:
  // Each CPU of the trace has its local cache, as in a kernel; CPUs beyond these share them.
  static constexpr std::uint32_t kMaxCpus = 64;
  static constexpr std::uint32_t kDriverCache = kMaxCpus;  // of the balloon's driver
  // In the live map: an allocation that failed, or 1 + the frame of the zone that stands for the other one.
  static constexpr AllocationMap::Value kFailed = ~AllocationMap::Value{0};

  explicit ReplayMachine(const MachineSetup& setup) : setup_(setup) {}
  // Empty, or what failed.
  std::string set_up();
  ZoneConfig zone_config() const;
  std::string set_up_memory();
  std::string set_up_zone();
  std::string set_up_device();
  std::string register_device();
  // Afterwards nothing is in flight, no thread of the machine runs, and nobody holds a frame in secret.
  void take_apart() noexcept;

  // Blocks of an order above kMaxOrder, from a machine with larger pages, are taken in parts of that order.
  bool allocate(const trace::TraceEvent& event) noexcept;
  // Whether the zone had room.
  bool take(Pfn pfn, Order order, Mobility mobility) noexcept;
  void free(const trace::TraceEvent& event) noexcept;
  std::uint64_t free_live(const trace::TraceEvent& event) noexcept;
  // Frees those of the frames that are live, and returns how many are.
  std::uint64_t free_live(Pfn pfn, Order order) noexcept;
  void free_frames(Pfn pfn, Order order) noexcept;
  void touch(Pfn first, Order order, bool promised_zero) noexcept;

  MachineSetup setup_;
  ReplayPort port_;
  AllocationMap live_;
  std::unique_ptr<ResidencyModel> books_;
  std::unique_ptr<Backing> backing_;
  std::unique_ptr<HostMemory> memory_;
  std::unique_ptr<ReleaseDevice> host_device_;
  std::unique_ptr<ReplayBalloon> wire_;  // null: direct
  std::unique_ptr<ReplayDevice> device_;
  ZeroedMemory metadata_;
  Zone* zone_ = nullptr;
  LocalCache* cache_ = nullptr;  // of the CPU whose event it is
  std::uint32_t caches_ = 1;     // as many CPUs as there have been
  std::unique_ptr<Reporter> reporter_;
  bool registered_ = false;
  std::uint64_t disturbances_ = 0;
  MachineCounts counts_;
  PfnCount used_, peak_used_, peak_on_books_;
  std::string error_;
};

}  // namespace fallow::replay
