// Everything that a zone consists of, for the code that works on it: local caches, isolation, the reporter
// and the consistency walk.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fallow/platform/port.h"
#include "fallow/zone/detail/age_clock.h"
#include "fallow/zone/detail/block_tables.h"
#include "fallow/zone/detail/misuse_log.h"
#include "fallow/zone/zone_config.h"

namespace fallow {
class LocalCache;
}

namespace fallow::detail {

// The state that isolation and the reporter show to allocations of a zone (MO-7).
struct ReportState {
  std::atomic<std::uint64_t> isolated{0};        // frames under isolation; changed by isolation only
  std::atomic<std::uint64_t> reported_given{0};  // frames ever reported, less those forgotten
  // Counts put-backs, and attempts of allocations that gave back what they took.
  std::atomic<std::uint64_t> put_back_epoch{0};
  // The thread inside report(), as Port::current() names it; 0 if there is none.
  std::atomic<std::uintptr_t> reporter{0};
};

class ZoneTables : public BlockTables {
 public:
  // Bytes of zero-filled storage that the local caches and the tables need.
  static ByteCount storage_size(const ZoneConfig& config);

  // `storage` is aligned to 64 bytes.
  ZoneTables(Port& port, const ZoneConfig& config, std::byte* storage);

  Port& port() { return port_; }
  std::uint32_t cache_count() const { return cache_count_; }
  LocalCache& cache(std::uint32_t i);
  const LocalCache& cache(std::uint32_t i) const;

  AgeClock& clock() { return clock_; }
  ReportState& reports() { return reports_; }
  const ReportState& reports() const { return reports_; }
  MisuseLog& misuse() { return misuse_; }
  const MisuseLog& misuse() const { return misuse_; }
  // Records a misuse and returns `why`.
  Status refuse(Pfn pfn, Status why) noexcept { return misuse_.refuse(pfn, why); }

  // Implements Zone::reserve().
  Status reserve(Pfn first, PfnCount count);
  PfnCount reserved() const { return {reserved_.load(std::memory_order_relaxed)}; }

  // Sets the age of every free frame to 0, for when ticks become longer. O(blocks).
  void restart_ages() noexcept;

  // Whether the device promised the content of reported frames (R12). acquire: MO-27, a promise that is made
  // after forget_reported() is not read before forget_epoch() has changed.
  bool content_known() const noexcept { return content_known_.load(std::memory_order_acquire); }
  // release: MO-27, pairs with content_known().
  void set_content_known(bool on) noexcept { content_known_.store(on, std::memory_order_release); }

  // Implements Zone::forget_reported().
  void forget_reported() noexcept;
  // Counts the beginnings and the ends of forget_reported(): odd while it runs. Reported that lie in a hand
  // are void once this has changed (R10). seq_cst: MO-2, read after ReportedInUse has announced itself.
  std::uint32_t forget_epoch() const noexcept { return forget_epoch_.load(std::memory_order_seq_cst); }

  // Local caches serve a request when they next leave their fast path.
  void request_drain() noexcept { drain_requests_.fetch_add(1, std::memory_order_relaxed); }
  std::uint32_t drain_requests() const noexcept { return drain_requests_.load(std::memory_order_relaxed); }

  // Whether some local cache is in an attempt to allocate, or between the word and the entry of a free. Such
  // a cache may hold frames that it gives back. O(caches).
  bool in_transit() const noexcept;

 private:
  void forget_block(std::uint32_t block) noexcept;

  // Read by every free, rarely written.
  alignas(64) Port& port_;
  LocalCache* const caches_;
  const std::uint32_t cache_count_;
  AgeClock clock_;
  std::atomic<bool> content_known_{false};
  std::atomic<std::uint32_t> drain_requests_{0};
  std::atomic<std::uint32_t> forget_epoch_{0};

  alignas(64) ReportState reports_;
  std::atomic<std::uint64_t> reserved_{0};
  MisuseLog misuse_;
};

}  // namespace fallow::detail
