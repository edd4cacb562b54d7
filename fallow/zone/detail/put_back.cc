// Puts isolated frames back (R7).
#include "fallow/zone/detail/isolation.h"

namespace fallow::detail {
namespace {

// Puts back a wholly isolated block: only its entry changes (ZONE-4).
void put_back_block(ZoneTables& tables, std::uint32_t block, bool reported) noexcept {
  tables.update(block, [reported](BlockEntry e) {
    return e.with_isolated(false).with_used(0).with_reported(reported).with_reported_frames(
        reported ? kBlockFrames : 0);
  });
}

void put_back_bits(ZoneTables& tables, std::uint64_t word, std::uint32_t bits, bool reported) noexcept {
  const std::uint32_t block = static_cast<std::uint32_t>(word / kBlockWords);
  const unsigned n = count_ones(bits), newly_reported = reported ? n : 0;
  // ZONE-2: `used` counts at least the used bits, so the word changes first. `used` falls and
  // `reported_frames` rises in one step; otherwise the block could appear wholly free and unreported in
  // between (MO-4).
  tables.give_bits(word, bits, reported ? bits : 0);
  tables.update(block, [=](BlockEntry e) { return e.with_fewer_used(n).with_more_reported(newly_reported); });
}

}  // namespace

void put_back(ZoneTables& tables, std::span<const ScatterEntry> list, bool reported) noexcept {
  std::uint64_t total = 0;
  for (const ScatterEntry& entry : list) {
    std::uint64_t index = tables.index_of(entry.first);
    total += entry.count.raw;
    for (std::uint64_t left = entry.count.raw; left > 0;) {
      const std::uint32_t block = static_cast<std::uint32_t>(index / kBlockFrames);
      std::uint64_t n;
      if (tables.entry(block).isolated()) {
        n = kBlockFrames;
        put_back_block(tables, block, reported);
      } else {
        const unsigned bit = static_cast<unsigned>(index % kWordFrames);
        n = left < kWordFrames - bit ? left : kWordFrames - bit;
        put_back_bits(tables, index / kWordFrames, ones(bit, static_cast<unsigned>(n)), reported);
      }
      // Otherwise frames that became free meanwhile could wait for the next free.
      if (!reported) tables.dirty().insert(block);
      index += n;
      left -= n;
    }
  }
  if (reported) tables.reports().reported_given.fetch_add(total, std::memory_order_relaxed);
  // release: MO-7, an allocation that sees the count sees the frames. The order ensures that an allocation
  // that finds nothing isolated any more sees that frames came back.
  tables.reports().put_back_epoch.fetch_add(1, std::memory_order_release);
  tables.reports().isolated.fetch_sub(total, std::memory_order_release);
}

}  // namespace fallow::detail
