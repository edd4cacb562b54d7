// Runs random programs one after the other until time is up or one of them fails.
#pragma once

#include <cstdint>

namespace fallow::explore {

struct Campaign {
  double seconds = 1e9;
  std::uint64_t programs = ~std::uint64_t{0};
  std::uint64_t seed = 1;        // of the first program; each further program adds 1
  std::uint64_t schedules = 40;  // per program
  bool weak = false;             // run all programs on weak memory; otherwise every second program
  bool keep_going = false;       // continue after a failure: each kind of failure is shrunk and printed once
};

// Prints the progress. Returns the number of programs that failed.
std::uint64_t run(const Campaign& campaign);

}  // namespace fallow::explore
