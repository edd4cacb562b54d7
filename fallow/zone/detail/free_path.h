// Frees frames: into the hand that they came from, into pending, or into their blocks.
#pragma once

#include <cstdint>

#include "fallow/zone/detail/hands.h"

namespace fallow::detail {

class FreePath : public Hands {
 protected:
  using Hands::Hands;

  Status free_slow(Pfn pfn, Order order) noexcept;
  Status free_in_word(Pfn pfn, Order order) noexcept;
  Status gather(std::uint32_t w, std::uint32_t bits, BlockEntry entry) noexcept;
  // Implements LocalCache::drain().
  void give_back_all() noexcept;
  void serve_drain_request() noexcept;

  std::uint32_t owned_[kMobilities] = {kNoBlock, kNoBlock,
                                       kNoBlock};  // the block owned for each mobility; kNoBlock: none
  std::uint32_t drains_seen_ = 0;

 private:
  // A block with more used frames than this is nearly full. Frames that are freed there are handed out again
  // first, so that the block stays full.
  static constexpr unsigned kNearlyFull = kBlockFrames - 8;
  Status free_words(Pfn pfn, std::uint64_t first, std::uint64_t count) noexcept;
  Status free_blocks(Pfn pfn, std::uint32_t first, std::uint32_t count) noexcept;
  bool is_allocated(std::uint64_t w, std::uint32_t bits) const noexcept;
  bool is_allocated_once_split(std::uint64_t w, std::uint32_t bits) noexcept;
  std::uint32_t clear_used(std::uint64_t w, std::uint32_t bits) noexcept;
  void refuse_bits(std::uint64_t w, std::uint32_t bits) noexcept;
  Status flush_and_gather(std::uint32_t w, std::uint32_t bits, BlockEntry entry) noexcept;
  Status begin_pending(std::uint32_t w, std::uint32_t bits, BlockEntry entry) noexcept;
  void put_back_hand(unsigned m) noexcept;
  void flush_pending() noexcept;
  Status give_freed(std::uint32_t w, std::uint32_t freed) noexcept;
  Status note_freed(std::uint32_t w, unsigned used, std::uint32_t freed) noexcept;
  BlockEntry::Stamp stamp_of(std::uint32_t w) const noexcept;
  unsigned give_frames(std::uint32_t block, unsigned n, BlockEntry::Stamp stamp,
                       unsigned reported = 0) noexcept;
};

}  // namespace fallow::detail
