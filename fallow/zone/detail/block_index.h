// A set of blocks as a hierarchical bitmap with 64 children per node. Inserting, removing and finding the
// next member take a few word operations, in a zone of 1 GiB as well as in one of 4 TiB.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::detail {

inline constexpr std::uint32_t kNoBlock = ~std::uint32_t{0};

// The caller owns the words, which start zero-filled. With `Zeros::Members` a zero bit is a member, so that
// the set starts full without any writes.
//
// Any number of threads may call any function at once. A search is a hint; the block's entry is
// authoritative. A search may miss a member that stays in the set throughout, while another thread removes
// its neighbours. While no thread changes the set, a search is exact (IDX-1).
class BlockIndex {
 public:
  enum class Zeros : std::uint8_t { Members, Absent };

  static ByteCount storage_size(std::uint32_t blocks);

  BlockIndex() = default;
  BlockIndex(std::uint32_t blocks, Zeros zeros, std::atomic<std::uint64_t>* storage);

  // True if it was not a member before. In either case a search finds the block from here on (MO-5).
  bool insert(std::uint32_t block) noexcept { return raise(0, block); }
  // The same, optimised for a block that is a member already.
  void insert_again(std::uint32_t block) noexcept {
    std::uint32_t bit = block;
    for (unsigned level = 0; level < levels_; ++level, bit /= 64) {
      if (((members(level, bit / 64) >> (bit % 64)) & 1) == 0) [[unlikely]] {
        static_cast<void>(raise(level, bit));
        return;
      }
    }
  }
  // True if it was a member before.
  bool remove(std::uint32_t block) noexcept;
  bool contains(std::uint32_t block) const noexcept {
    return ((members(0, block / 64) >> (block % 64)) & 1) != 0;
  }
  void prefetch(std::uint32_t block) const noexcept { __builtin_prefetch(&level_[0][block / 64], 1); }
  // Returns the first member at or after `from`; kNoBlock if there is none.
  std::uint32_t find(std::uint32_t from) const noexcept;

  // Returns the last member before `end`, or the last of all for kNoBlock; kNoBlock if there is none.
  std::uint32_t find_before(std::uint32_t end) const noexcept;

  // Returns the 64 blocks from 64 * word on, one bit each.
  std::uint64_t members_of_word(std::uint32_t word) const noexcept { return members(0, word); }
  std::uint32_t words() const noexcept { return size_[0]; }

  // IDX-1: the parent of each node with members shows it. For consistency walks; O(blocks / 64).
  bool is_exact() const noexcept;

  // Makes every block a member. Not atomic: blocks removed meanwhile may become members again.
  void insert_all() noexcept;

 private:
  static constexpr unsigned kMaxLevels = 5;

  std::uint64_t members(unsigned level, std::uint32_t word) const noexcept {
    // seq_cst: MO-4, see docs/memory-ordering.md
    return level_[level][word].load(std::memory_order_seq_cst) ^ flip_;
  }
  // Sets or clears one bit; returns the members of its word before.
  std::uint64_t add(unsigned level, std::uint32_t bit) noexcept;
  std::uint64_t drop(unsigned level, std::uint32_t bit) noexcept;
  bool raise(unsigned level, std::uint32_t bit) noexcept;

  std::atomic<std::uint64_t>* level_[kMaxLevels] = {};
  std::uint32_t size_[kMaxLevels] = {};
  std::uint32_t blocks_ = 0;
  unsigned levels_ = 0;
  std::uint64_t flip_ = 0;
};

}  // namespace fallow::detail
