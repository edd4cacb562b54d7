// Random programs, one after the other, until time is up or one fails.
#pragma once

#include <cstdint>

namespace fallow::explore {

struct Campaign {
  double seconds = 1e9;
  std::uint64_t programs = ~std::uint64_t{0};
  std::uint64_t seed = 1;        // of the first program; the next has the next
  std::uint64_t schedules = 40;  // of each program
  bool weak = false;             // all programs on weak memory; else every other one
  bool keep_going = false;       // after a failure: each kind is shrunk and printed once
};

// Prints what happens. Returns the number of programs that failed.
std::uint64_t run(const Campaign& campaign);

}  // namespace fallow::explore
