// Orders 1 to 8, and order 0 in a zone that is nearly full: aligned runs inside a block.
#pragma once

#include <cstdint>

#include "fallow/zone/detail/refill.h"

namespace fallow::detail {

class RunSearch : public Refill {
 protected:
  using Refill::Refill;

  Allocation allocate_run(Order order, Mobility mobility) noexcept;

 private:
  Allocation from_hand(Order order, unsigned m) noexcept;
  Allocation run_in_listed(Order order, unsigned list_id, Mobility mobility, unsigned& tries) noexcept;
  Allocation run_in_block(Order order, std::uint32_t block, Mobility mobility) noexcept;
  std::uint32_t free_in(std::uint64_t w) const noexcept;
  Allocation take_run(Order order, std::uint64_t first, unsigned bit, Mobility mobility) noexcept;
  bool take_bits(std::uint64_t w, std::uint32_t bits, FrameWord unless, std::uint32_t* reported) noexcept;

  std::uint32_t run_word_[kMobilities] = {kNoWord, kNoWord, kNoWord};  // where the last run was found
  std::uint32_t any_block_ = 0;  // where the last search of every block ended
};

}  // namespace fallow::detail
