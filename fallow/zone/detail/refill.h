// Refills the hand: chooses the block and the word from which the next single frames come.
#pragma once

#include <cstdint>

#include "fallow/zone/detail/free_path.h"

namespace fallow::detail {

class Refill : public FreePath {
 protected:
  using FreePath::FreePath;

  // Fills the hand, which is empty; false if no frame was found.
  bool refill(Mobility mobility) noexcept;
  // Gives up the block owned for a mobility. The hand is empty.
  void disown(unsigned m) noexcept;

 private:
  bool refill_from_owned(unsigned m) noexcept;
  bool take_word(std::uint32_t w, unsigned m) noexcept;
  std::uint32_t claim_block(Mobility mobility) noexcept;
  std::uint32_t claim_apart(unsigned list_id, Mobility mobility) noexcept;
  std::uint32_t claim_listed(unsigned list_id, Mobility mobility) noexcept;
  bool claim(std::uint32_t block, unsigned list_id, Mobility mobility) noexcept;
  void own(unsigned m, std::uint32_t block) noexcept;

  std::uint32_t cursor_[kMobilities] = {};  // the word of the owned block to look at next
  std::uint32_t near_ = kNoBlock;           // the last wholly free block that was claimed
};

}  // namespace fallow::detail
