// What each guest's resident memory was, a sample a time: what the history lines are drawn from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>

#include "cli/control/control_figures.h"

namespace fallow::cli {

// One thread. Keeps the last kSamples of each guest that there is.
class TopHistory {
 public:
  static constexpr std::size_t kSamples = 512;

  // Guests that are not among them are forgotten.
  void add(std::span<const GuestFigures> guests);

  // The last `columns` samples of a guest as a line of that many characters, the newest on the right; blank
  // where there is none yet. A full character is the highest of them.
  std::string line(std::uint64_t guest, std::size_t columns, bool unicode) const;

 private:
  std::map<std::uint64_t, std::deque<std::uint64_t>> samples_;
};

}  // namespace fallow::cli
