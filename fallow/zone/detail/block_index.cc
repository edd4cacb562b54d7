#include "fallow/zone/detail/block_index.h"

#include <bit>

namespace fallow::detail {
namespace {

constexpr std::uint32_t words_for(std::uint32_t bits) { return bits / 64 + (bits % 64 != 0 ? 1 : 0); }
constexpr std::uint64_t bit_of(std::uint32_t i) { return std::uint64_t{1} << (i % 64); }

}  // namespace

ByteCount BlockIndex::storage_size(std::uint32_t blocks) {
  std::uint64_t words = 0;
  std::uint32_t level = blocks;
  do {
    level = words_for(level);
    words += level;
  } while (level > 1);
  return {words * sizeof(std::uint64_t)};
}

BlockIndex::BlockIndex(std::uint32_t blocks, Zeros zeros, std::atomic<std::uint64_t>* storage)
    : blocks_(blocks), flip_(zeros == Zeros::Members ? ~std::uint64_t{0} : 0) {
  std::uint32_t bits = blocks;
  do {
    size_[levels_] = words_for(bits);
    level_[levels_] = storage;
    storage += size_[levels_];
    // Bits past the end are not members, whatever a zero bit means.
    if (bits % 64 != 0) {
      const std::uint64_t past = ~std::uint64_t{0} << (bits % 64);
      level_[levels_][size_[levels_] - 1].store(past & flip_, std::memory_order_relaxed);
    }
    bits = size_[levels_];
    ++levels_;
  } while (bits > 1);
}

std::uint64_t BlockIndex::add(unsigned level, std::uint32_t bit) noexcept {
  std::atomic<std::uint64_t>& word = level_[level][bit / 64];
  // seq_cst: MO-3 to MO-5, pairs with members(). The member is there before raise() looks at the parent
  // (IDX-1), and before the caller's next look at an entry or at the credit.
  const std::uint64_t old = flip_ != 0 ? word.fetch_and(~bit_of(bit), std::memory_order_seq_cst)
                                       : word.fetch_or(bit_of(bit), std::memory_order_seq_cst);
  return old ^ flip_;
}

std::uint64_t BlockIndex::drop(unsigned level, std::uint32_t bit) noexcept {
  std::atomic<std::uint64_t>& word = level_[level][bit / 64];
  // seq_cst: MO-3 and MO-4, pairs with members(). The member is gone before remove() looks below it (IDX-1),
  // and before the caller looks at the block's entry.
  const std::uint64_t old = flip_ != 0 ? word.fetch_or(bit_of(bit), std::memory_order_seq_cst)
                                       : word.fetch_and(~bit_of(bit), std::memory_order_seq_cst);
  return old ^ flip_;
}

// Makes a node and its ancestors members. Does not stop at an ancestor that is a member already: the thread
// that inserted it may not have reached the next level yet. True if the block was not a member before.
bool BlockIndex::raise(unsigned level, std::uint32_t bit) noexcept {
  bool added = false;
  for (; level < levels_; ++level, bit /= 64) {
    if ((members(level, bit / 64) & bit_of(bit)) != 0) continue;
    added |= (add(level, bit) & bit_of(bit)) == 0 && level == 0;
  }
  return added;
}

bool BlockIndex::remove(std::uint32_t block) noexcept {
  if (!contains(block)) return false;
  const std::uint64_t old = drop(0, block);
  std::uint32_t bit = block;
  std::uint64_t left = old & ~bit_of(block);
  for (unsigned level = 1; level < levels_ && left == 0; ++level) {
    bit /= 64;
    left = drop(level, bit) & ~bit_of(bit);
    // IDX-1: another thread may have inserted a member below after this one saw the word empty, and found
    // this bit still set. Either that insert sees the bit cleared and sets it, or this thread sees the member
    // here and sets the bit again.
    if (members(level - 1, bit) != 0) {
      raise(level, bit);
      break;
    }
  }
  return (old & bit_of(block)) != 0;
}

std::uint32_t BlockIndex::find(std::uint32_t from) const noexcept {
  unsigned level = 0;
  std::uint32_t at = from;  // a bit of `level`: everything before it is ruled out
  for (;;) {
    if (at / 64 >= size_[level]) return kNoBlock;
    const std::uint64_t here = members(level, at / 64) & (~std::uint64_t{0} << (at % 64));
    if (here == 0) {
      at = at / 64 + 1;
      if (++level == levels_) return kNoBlock;
      continue;
    }
    at = (at & ~std::uint32_t{63}) | static_cast<std::uint32_t>(std::countr_zero(here));
    if (level == 0) return at;
    // Descends into the child. If the child is empty, the search climbs again behind it.
    at *= 64;
    --level;
  }
}

// As find(), downwards.
std::uint32_t BlockIndex::find_before(std::uint32_t end) const noexcept {
  if (end == 0) return kNoBlock;
  unsigned level = 0;
  std::uint32_t at = (end < blocks_ ? end : blocks_) - 1;
  for (;;) {
    const std::uint64_t here = members(level, at / 64) & (~std::uint64_t{0} >> (63 - at % 64));
    if (here == 0) {
      if (at < 64 || ++level == levels_) return kNoBlock;
      at = at / 64 - 1;
      continue;
    }
    at = (at | 63) - static_cast<std::uint32_t>(std::countl_zero(here));
    if (level == 0) return at;
    at = at * 64 + 63;
    --level;
  }
}

bool BlockIndex::is_exact() const noexcept {
  for (unsigned level = 1; level < levels_; ++level) {
    for (std::uint32_t child = 0; child < size_[level - 1]; ++child) {
      if (members(level - 1, child) == 0) continue;
      if ((members(level, child / 64) & bit_of(child)) == 0) return false;
    }
  }
  return true;
}

void BlockIndex::insert_all() noexcept {
  for (unsigned level = 0; level < levels_; ++level) {
    const std::uint32_t bits = level == 0 ? blocks_ : size_[level - 1];
    for (std::uint32_t w = 0; w < size_[level]; ++w) {
      const bool partial = w + 1 == size_[level] && bits % 64 != 0;
      const std::uint64_t all = partial ? bit_of(bits) - 1 : ~std::uint64_t{0};
      // relaxed: the release of the zone's flag in Reporter::start() carries it to the worker.
      level_[level][w].store(all ^ flip_, std::memory_order_relaxed);
    }
  }
}

}  // namespace fallow::detail
