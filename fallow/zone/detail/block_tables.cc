#include "fallow/zone/detail/block_tables.h"

namespace fallow::detail {
namespace {

constexpr std::uint64_t kLine = 64;
constexpr std::uint64_t line_up(std::uint64_t n) { return (n + kLine - 1) & ~(kLine - 1); }

}  // namespace

// The tables, in the order in which they lie in the storage.
struct BlockTables::Layout {
  explicit Layout(std::uint32_t blocks)
      : entries(std::uint64_t{blocks} * kBlockWords * sizeof(std::uint64_t)),
        index(line_up(entries + std::uint64_t{blocks} * sizeof(std::uint64_t))),
        index_step(line_up(BlockIndex::storage_size(blocks).raw)),
        end(index + (kLists + 1) * index_step) {}
  std::uint64_t entries, index, index_step, end;  // the words come first
};

ByteCount BlockTables::storage_size(const FrameRange& range) { return {Layout(range.blocks()).end}; }

BlockTables::BlockTables(const FrameRange& range, std::byte* storage)
    : FrameRange(range),
      words_(reinterpret_cast<std::atomic<std::uint64_t>*>(storage)),
      entries_(reinterpret_cast<std::atomic<std::uint64_t>*>(storage + Layout(range.blocks()).entries)) {
  const Layout at(blocks());
  const auto index_storage = [&](unsigned i) {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(storage + at.index + i * at.index_step);
  };
  dirty_ = BlockIndex(blocks(), BlockIndex::Zeros::Members, index_storage(0));
  for (unsigned i = 0; i < kLists; ++i) {
    const auto zeros = i == kFreeList ? BlockIndex::Zeros::Members : BlockIndex::Zeros::Absent;
    index_[i] = BlockIndex(blocks(), zeros, index_storage(i + 1));
  }
  // The frames of the first and the last block that lie outside the zone are never free.
  const std::uint64_t head = index_of(base()), tail = head + size().raw;
  withhold(0, head);
  withhold(tail, std::uint64_t{blocks()} * kBlockFrames - tail);
}

void BlockTables::withhold(std::uint64_t first, std::uint64_t count) noexcept {
  while (count > 0) {
    const std::uint32_t block = static_cast<std::uint32_t>(first / kBlockFrames);
    if (first % kBlockFrames == 0 && count >= kBlockFrames) {
      update(block, [](BlockEntry e) { return e.with_used(kBlockFrames).with_whole(true); });
      first += kBlockFrames;
      count -= kBlockFrames;
      continue;
    }
    const unsigned bit = static_cast<unsigned>(first % kWordFrames);
    const unsigned n = static_cast<unsigned>(count < kWordFrames - bit ? count : kWordFrames - bit);
    const std::uint32_t bits = static_cast<std::uint32_t>((std::uint64_t{1} << n) - 1) << bit;
    update(block, [n](BlockEntry e) { return e.with_used(e.used() + n); });
    words_[first / kWordFrames].fetch_or(bits, std::memory_order_relaxed);
    first += n;
    count -= n;
  }
}

// MO-3: the entry is changed first. Two threads may relist one block in any order. A thread that removes the
// block reads the entry afterwards, lists the block again where it belongs by then, and returns true if that
// was needed. So once no thread changes the zone, each block is on the list it belongs to. It may be on
// another list too, until a search removes it. The block is inserted into the new list first, so that a
// search always finds a moving block on one of the two.
bool BlockTables::relist(std::uint32_t block, unsigned from, unsigned to) noexcept {
  if (to != kNoList) index_[to].insert(block);
  if (from == kNoList) return false;
  index_[from].remove(block);
  const unsigned now = list_of(entry(block));
  return now != to && now != kNoList && index_[now].insert(block);
}

void BlockTables::relist(std::uint32_t block, BlockEntry before, BlockEntry after) noexcept {
  const unsigned from = list_of(before), to = list_of(after);
  if (from != to) static_cast<void>(relist(block, from, to));
}

bool BlockTables::unlist_if_stale(std::uint32_t block, unsigned list_id) noexcept {
  return list_of(entry(block)) != list_id && relist(block, list_id, kNoList);
}

}  // namespace fallow::detail
