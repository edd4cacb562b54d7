/// The zone: a range of page frames, each of them free, reported, isolated or allocated.
///
///   application -> LocalCache (one for each CPU or thread) -> Zone -> blocks of 512 frames -> words of 32
///
/// Frames are allocated and freed through a LocalCache. Invariants: docs/invariants.md (ZONE-n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/check.h"
#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/platform/port.h"
#include "fallow/zone/detail/zone_tables.h"
#include "fallow/zone/zone_config.h"
#include "fallow/zone/zone_stats.h"

namespace fallow {

class LocalCache;

/// A range of page frames and its tables. Any thread may call any function at any time unless it says
/// otherwise.
class Zone {
 public:
  /// Returns the bytes of metadata that create() needs, the Zone itself included: about 2.2 bits a frame. 0
  /// if `config` is not valid.
  static ByteCount metadata_size(const ZoneConfig& config);

  /// Builds a zone of free frames in `metadata`, which must be zero-filled, aligned to 64 bytes, at least
  /// metadata_size() long, and outlive the zone. Writes only what differs from zero: a zone of 4 TiB costs
  /// no more than a small one. InvalidArgument if `config` or `metadata` is not as described; of the zeros,
  /// only those that the Zone and its local caches overwrite are checked, which finds the tables of an
  /// earlier zone. O(caches).
  static Result<Zone*> create(Port& port, const ZoneConfig& config, std::span<std::byte> metadata);

  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

  /// The first frame.
  Pfn base() const { return tables_.base(); }
  /// The number of frames, reserved ones included.
  PfnCount size() const { return tables_.size(); }
  /// Whether the zone contains all of `count` frames from `first` on.
  bool contains(Pfn first, PfnCount count) const { return tables_.contains(first, count); }

  /// The number of local caches, as configured.
  std::uint32_t cache_count() const { return tables_.cache_count(); }
  /// Local cache `i`, less than cache_count(); a larger number stops the program. One comparison.
  /// @{
  LocalCache& cache(std::uint32_t i) {
    require_cache(i);
    return tables_.cache(i);
  }
  const LocalCache& cache(std::uint32_t i) const {
    require_cache(i);
    return tables_.cache(i);
  }
  /// @}

  /// Takes frames out of use until they are freed, or for good: holes, the image of a kernel. Before the
  /// first allocation only. InvalidArgument if the range is not inside the zone, not wholly free, or
  /// already reported. O(count).
  Status reserve(Pfn first, PfnCount count) { return tables_.reserve(first, count); }
  /// The number of frames that were reserved.
  PfnCount reserved() const { return tables_.reserved(); }

  /// Nothing is isolated while fewer frames than this are free (R11). 1/64 of the zone; from 1 GiB on it
  /// grows with the square root only, so that a guest of 64 MiB reports too.
  PfnCount low_watermark() const { return low_watermark_; }

  /// Asks every local cache to give back the frames that it holds when it next leaves its fast path. An idle
  /// CPU calls LocalCache::drain() itself.
  void request_drain() noexcept { tables_.request_drain(); }

  /// Makes every reported frame unreported (R10), for when the owner of the memory lost its state. Must not
  /// run while a request is in flight, nor twice at once, which stops the program;
  /// Reporter::forget_reported() ensures both. Waits for
  /// local caches that are taking reported frames or putting them back, each for a few dozen instructions;
  /// meanwhile local caches take no reported frames. O(blocks).
  void forget_reported() noexcept { tables_.forget_reported(); }

  /// The calls that were refused so far.
  Misuse misuse() const noexcept { return tables_.misuse().read(); }

  /// The internals, for the other layers of Fallow and for tests.
  /// @{
  detail::ZoneTables& tables() { return tables_; }
  const detail::ZoneTables& tables() const { return tables_; }
  /// @}

 private:
  Zone(Port& port, const ZoneConfig& config, std::byte* storage);

  void require_cache(std::uint32_t i) const {
    FALLOW_REQUIRE(
        i < cache_count(),
        "Zone::cache(): the number is not below cache_count(); set ZoneConfig::caches to the number of "
        "CPUs or threads that allocate or free");
  }

  detail::ZoneTables tables_;
  PfnCount low_watermark_;
};

}  // namespace fallow
