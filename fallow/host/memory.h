/// Page frames for a program under an operating system, with all that they need: one object to declare.
///
///   fallow::MemoryOptions options{.size = fallow::PfnCount{262144}};  // 1 GiB
///   auto memory = fallow::Memory::create(options);
///   if (!memory) ...memory.error...
///   const fallow::Allocation got = memory.object->allocate();
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/host/anonymous_backing.h"
#include "fallow/host/backing.h"
#include "fallow/host/detail/thread_caches.h"
#include "fallow/host/expected.h"
#include "fallow/host/hosted_port.h"
#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "fallow/reporting/reporting_device.h"
#include "fallow/zone/allocation.h"
#include "fallow/zone/zone.h"

namespace fallow {

/// What Memory::create() makes.
struct MemoryOptions {
  /// Makes the device that receives the unused frames of a backing, which outlives the device. Null: failure.
  using DeviceMaker = std::function<std::shared_ptr<ReportingDevice>(Backing&)>;

  Pfn first;                   ///< the number of the first frame
  PfnCount size;               ///< frames, at least 1
  std::uint32_t threads = 64;  ///< threads with a cache of their own, 1 to 4094; all others share one
  /// the page size to ask the machine for
  AnonymousOptions::HugePages huge_pages = AnonymousOptions::HugePages::Never;
  std::variant<AgedPolicy, HwmPolicy, LinuxPolicy> policy = AgedPolicy{};  ///< when to report unused frames
  DeviceMaker device;     ///< empty: a ReleaseDevice, which returns the frames to the operating system
  bool reporting = true;  ///< false: until start_reporting() is called, unused frames stay resident
};

/// A range of page frames in anonymous memory, from which any thread allocates. A worker thread returns
/// unused frames to the operating system.
///
/// Owns the memory, the zone and its tables, a local cache for each thread, the reporter, its device and the
/// worker thread, and ends them in the right order. Any thread may call any function except the destructor.
class Memory {
 public:
  /// Reserves address space; a frame becomes resident when it is first touched. On failure, the error names
  /// what was wrong and what was expected.
  static Expected<Memory> create(const MemoryOptions& options);

  /// Stops reporting, waits for the requests in flight, and unmaps the memory. No thread may use the object
  /// or its frames any longer. Threads that used it may still run, and may exit later.
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// Allocates 2^order frames (order 0 to 10), aligned to their size, as LocalCache::allocate() does. They
  /// read as zero, or as they were when they were freed.
  Allocation allocate(Order order = {}, Mobility mobility = Mobility::Movable) noexcept {
    return caches_->with_cache([=](LocalCache& cache) { return cache.allocate(order, mobility); });
  }

  /// Frees 2^order frames, as LocalCache::free() does. Any thread may free the frames of another one.
  Status free(Pfn pfn, Order order = {}) noexcept {
    return caches_->with_cache([=](LocalCache& cache) { return cache.free(pfn, order); });
  }

  /// Makes what the calling thread has freed available to other threads and to the worker. For a thread that
  /// is about to be idle; otherwise up to 128 frames stay with the thread.
  void drain() noexcept {
    caches_->with_cache([](LocalCache& cache) { cache.retire(); });
  }

  /// Returns the calling thread's own cache, for calls without a look-up; null if `threads` others have one.
  /// Only this thread may use the cache, until it exits. The exit of the thread drains it.
  LocalCache* cache() noexcept { return caches_->own(); }

  /// Returns the address of a frame's first byte. A frame outside the zone stops the program.
  std::byte* address(Pfn pfn) const noexcept { return backing_->address(pfn); }
  /// Returns the frame that contains the byte at `address`. An address outside the memory stops the program.
  Pfn frame_of(const void* address) const noexcept;

  /// Begins to report unused frames. Busy: reporting has begun already. InvalidArgument: the policy's or the
  /// device's parameters are out of range. NoMemory: there is none for the requests.
  Status start_reporting() noexcept;
  /// Ends reporting, once the requests in flight are complete. NotFound: it has not begun. Deadlock: called
  /// by the device, from inside report().
  Status stop_reporting() noexcept { return reporter_->unregister_device(*device_); }

  /// Returns the frames that are resident at present; see AnonymousBacking::resident() for the cost. Failed:
  /// the kernel does not tell.
  Result<PfnCount> resident() noexcept { return backing_->resident(); }
  /// Returns the counters of reporting. Lock-free.
  ReportingStats reporting_stats() const noexcept { return reporter_->stats(); }

  /// Returns the zone, for its statistics and checks.
  /// @{
  Zone& zone() noexcept { return *zone_; }
  const Zone& zone() const noexcept { return *zone_; }
  /// @}
  /// Returns the memory behind the frames, for its counters and errors.
  Backing& backing() noexcept { return *backing_; }

 private:
  explicit Memory(const MemoryOptions& options) : policy_(options.policy) {}

  // Returns an error text, empty on success.
  std::string set_up(const MemoryOptions& options);
  std::string set_up_zone(const MemoryOptions& options);

  // Each member uses only those above it, and is destroyed before them.
  HostedPort port_;
  std::unique_ptr<AnonymousBacking> backing_;
  struct Tables {
    HostedPort* port;
    ByteCount size;
    void operator()(void* memory) const noexcept { port->release(memory, size); }
  };
  std::unique_ptr<void, Tables> tables_;
  Zone* zone_ = nullptr;  // in tables_
  std::variant<AgedPolicy, HwmPolicy, LinuxPolicy> policy_;
  std::shared_ptr<ReportingDevice> device_;
  std::optional<Reporter> reporter_;
  std::optional<detail::ThreadCaches> caches_;
};

}  // namespace fallow
