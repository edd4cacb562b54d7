#include "fallow/zone/detail/zone_tables.h"

#include <new>

#include "fallow/base/check.h"
#include "fallow/zone/local_cache.h"

namespace fallow::detail {

ByteCount ZoneTables::storage_size(const ZoneConfig& config) {
  return {config.caches * sizeof(LocalCache) + BlockTables::storage_size(FrameRange(config)).raw};
}

ZoneTables::ZoneTables(Port& port, const ZoneConfig& config, std::byte* storage)
    : BlockTables(FrameRange(config), storage + config.caches * sizeof(LocalCache)),
      port_(port),
      caches_(reinterpret_cast<LocalCache*>(storage)),
      cache_count_(config.caches) {
  for (std::uint32_t i = 0; i < cache_count_; ++i) new (&caches_[i]) LocalCache(*this, i);
}

LocalCache& ZoneTables::cache(std::uint32_t i) { return caches_[i]; }
const LocalCache& ZoneTables::cache(std::uint32_t i) const { return caches_[i]; }

Status ZoneTables::reserve(Pfn first, PfnCount count) {
  if (!contains(first, count)) return Status::InvalidArgument;
  const std::uint64_t from = index_of(first);
  for (std::uint64_t i = from; i < from + count.raw; ++i) {
    const BlockEntry e = entry(static_cast<std::uint32_t>(i / kBlockFrames));
    const FrameWord w{word(i / kWordFrames).load(std::memory_order_relaxed)};
    if (e.closed() || (((w.used() | w.report_bits()) >> (i % kWordFrames)) & 1) != 0)
      return Status::InvalidArgument;
  }
  withhold(from, count.raw);
  reserved_.fetch_add(count.raw, std::memory_order_relaxed);
  return Status::Ok;
}

void ZoneTables::restart_ages() noexcept {
  constexpr unsigned kAllGroups = (1U << kAgeGroups) - 1;
  const unsigned now = clock_.tick();
  for (std::uint32_t b = 0; b < blocks(); ++b) {
    update(b, [now](BlockEntry e) { return e.used() < kBlockFrames ? e.stamped(kAllGroups, now) : e; });
  }
}

// MO-2. While forget_epoch_ is odd, no thread takes reported frames, puts them back or closes a block that
// has them, and no request is in flight. So what this walk has passed stays unreported.
void ZoneTables::forget_reported() noexcept {
  // seq_cst: MO-2, before uses_reported() of the caches is read.
  const std::uint32_t epoch = forget_epoch_.fetch_add(1, std::memory_order_seq_cst);
  FALLOW_REQUIRE(
      epoch % 2 == 0,
      "Zone::forget_reported(): it is running already; call Reporter::forget_reported(), which waits");
  for (std::uint32_t i = 0; i < cache_count_; ++i) {
    while (caches_[i].uses_reported()) port_.relax();
  }
  for (std::uint32_t b = 0; b < blocks(); ++b) forget_block(b);
  // release: MO-27, pairs with forget_epoch(): frames found reported from here on are newly reported.
  forget_epoch_.fetch_add(1, std::memory_order_release);
}

void ZoneTables::forget_block(std::uint32_t block) noexcept {
  for (;; port_.relax()) {
    bool dropped = false;
    const BlockEntry e = update(
        block,
        [](BlockEntry old) {
          return old.reported() ? old.with_reported(false).with_reported_frames(0) : old;
        },
        &dropped);
    if (dropped) {
      reports_.reported_given.fetch_sub(kBlockFrames, std::memory_order_relaxed);
      note_free(block, 0, 1);
      return;
    }
    if (e.splitting()) continue;  // it may be split because it is reported
    if (e.closed()) return;
    break;
  }
  unsigned dropped = 0;
  for (unsigned i = 0; i < kBlockWords; ++i) {
    std::atomic<std::uint64_t>& slot = word(std::uint64_t{block} * kBlockWords + i);
    std::uint64_t raw = slot.load(std::memory_order_relaxed);
    FrameWord after;
    do {
      after = FrameWord::of(FrameWord{raw}.used(), FrameWord{raw}.isolated());
      // relaxed: only report bits change, and forget_epoch_ orders those.
    } while (after.raw != raw && !slot.compare_exchange_weak(raw, after.raw, std::memory_order_relaxed,
                                                             std::memory_order_relaxed));
    dropped += count_none_or_all(FrameWord{raw}.report_bits() & ~after.report_bits());
  }
  if (dropped == 0) return;
  reports_.reported_given.fetch_sub(dropped, std::memory_order_relaxed);
  // ZONE-3: until here `reported_frames` is not 0, so no thread closes the block over its words.
  const BlockEntry before = update(block, [dropped](BlockEntry e) { return e.with_fewer_reported(dropped); });
  note_free(block, before.used(), dropped);
}

bool ZoneTables::in_transit() const noexcept {
  for (std::uint32_t i = 0; i < cache_count_; ++i) {
    if (caches_[i].attempts() % 2 != 0 || caches_[i].is_giving_back()) return true;
  }
  return false;
}

}  // namespace fallow::detail
