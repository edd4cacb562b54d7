// The history of each guest's resident memory, from which the graphs are drawn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>

#include "cli/control/control_figures.h"

namespace fallow::cli {

// For one thread. Keeps the last kSamples samples of each present guest.
class TopHistory {
 public:
  static constexpr std::size_t kSamples = 512;

  // Adds a sample of each guest. Forgets guests that are not in `guests`.
  void add(std::span<const GuestFigures> guests);

  // Returns the last `columns` samples of a guest as a line of that many characters, the newest on the right.
  // Blank where no sample exists yet. The maximum is drawn at full height.
  std::string line(std::uint64_t guest, std::size_t columns, bool unicode) const;

 private:
  std::map<std::uint64_t, std::deque<std::uint64_t>> samples_;
};

}  // namespace fallow::cli
