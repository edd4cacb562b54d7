// The way back from isolation (R7).
#include "fallow/zone/isolation.h"

namespace fallow {
namespace {

// A wholly isolated block: its entry is all there is to change (ZONE-4).
void put_back_block(Zone& zone, std::uint32_t block, bool reported) noexcept {
  zone.update(block, [reported](BlockEntry e) {
    return e.with_isolated(false).with_used(0).with_reported(reported).with_marked(reported ? kBlockFrames
                                                                                            : 0);
  });
}

void put_back_bits(Zone& zone, std::uint64_t word, std::uint32_t bits, bool reported) noexcept {
  const std::uint32_t block = static_cast<std::uint32_t>(word / kBlockWords);
  const unsigned n = count_ones(bits);
  // ZONE-3: marked counts at least the marks of the words, so it goes first; used counts at least the used
  // bits, so it goes last.
  if (reported) zone.update(block, [n](BlockEntry e) { return e.with_marked(e.marked() + n); });
  zone.give_bits(word, bits, reported ? bits : 0);
  const BlockEntry before = zone.update(block, [n](BlockEntry e) { return e.with_used(e.used() - n); });
  // MO-4: a look meanwhile counted these frames twice, as used and as marked, and may have struck the block
  // off.
  if (before.used() - n + before.marked() < kBlockFrames) zone.dirty().insert(block);
}

}  // namespace

void put_back(Zone& zone, std::span<const ScatterEntry> list, bool reported) noexcept {
  std::uint64_t total = 0;
  for (const ScatterEntry& entry : list) {
    std::uint64_t index = zone.index_of(entry.first);
    total += entry.count.raw;
    for (std::uint64_t left = entry.count.raw; left > 0;) {
      const std::uint32_t block = static_cast<std::uint32_t>(index / kBlockFrames);
      std::uint64_t n;
      if (zone.entry(block).isolated()) {
        n = kBlockFrames;
        put_back_block(zone, block, reported);
      } else {
        const unsigned bit = static_cast<unsigned>(index % kWordFrames);
        n = left < kWordFrames - bit ? left : kWordFrames - bit;
        put_back_bits(zone, index / kWordFrames, ones(bit, static_cast<unsigned>(n)), reported);
      }
      // Without this the frames that became free meanwhile could wait for the next free.
      if (!reported) zone.dirty().insert(block);
      index += n;
      left -= n;
    }
  }
  if (reported) zone.marks_given().fetch_add(total, std::memory_order_relaxed);
  // seq_cst: MO-7, who waits in LocalCache::allocate sees the frames once it sees this. In this order: who
  // finds nothing isolated any more must know that something came back.
  zone.put_backs().fetch_add(1, std::memory_order_seq_cst);
  zone.isolated().fetch_sub(total, std::memory_order_seq_cst);
}

}  // namespace fallow
