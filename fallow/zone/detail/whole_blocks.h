// Orders 9 and 10: one and two whole blocks, allocated through their entries without reading their words.
#pragma once

#include <cstdint>

#include "fallow/zone/allocation.h"
#include "fallow/zone/detail/cache_state.h"

namespace fallow::detail {

class WholeBlocks : public CacheState {
 protected:
  WholeBlocks(ZoneTables& tables, std::uint32_t number)
      : CacheState(tables, number), whole_from_(number * kGroup % tables.blocks()) {}

  // `order` is 9 or 10.
  Allocation allocate_whole(Order order, Mobility mobility) noexcept;
  // Frees a block that is allocated as a whole; false if it is not.
  bool give_whole(std::uint32_t block) noexcept;
  // Sets the block that was freed as a whole last, which is allocated again first; kNoBlock: none.
  void set_whole_last(std::uint32_t block) { whole_last_ = block; }
  bool split(std::uint32_t block, bool reported, unsigned owner = 0) noexcept;

 private:
  enum class Close : std::uint8_t { Whole, Half };

  Allocation allocate_block(Mobility mobility) noexcept;
  Allocation allocate_pair(Mobility mobility) noexcept;
  Allocation take_listed(std::uint32_t block, unsigned list_id, Mobility mobility) noexcept;
  Allocation take_block(std::uint32_t block, Mobility mobility) noexcept;
  Allocation take_reported_block(std::uint32_t block, Mobility mobility) noexcept;
  Allocation take_pair(std::uint32_t block, Mobility mobility) noexcept;
  bool close_free(std::uint32_t block, Mobility mobility, Close how, const ReportedInUse& in_use,
                  BlockEntry* before) noexcept;
  void reopen_half(std::uint32_t block, BlockEntry before) noexcept;
  void unlist_stale_free(std::uint32_t block) noexcept;
  bool take_back_whole(Mobility mobility) noexcept;
  bool open_whole(std::uint32_t block, Mobility mobility, BlockEntry before,
                  const ReportedInUse& in_use) noexcept;
  void write_words(std::uint32_t block, FrameWord state) noexcept;

  const std::uint32_t
      whole_from_;  // where the search begins: each cache begins in another cache line of entries
  std::uint32_t whole_last_ = kNoBlock;  // the block that was freed as a whole last
};

}  // namespace fallow::detail
