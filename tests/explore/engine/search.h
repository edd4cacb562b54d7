// Searches the schedules of one scenario.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/explore/world/scenario.h"

namespace fallow::explore {

struct Findings {
  std::uint64_t schedules = 0;
  std::uint64_t steps = 0;  // of all schedules
  bool complete = false;    // all schedules within the limits were run
  bool failed = false;
  std::string what;  // the failure, or the goal that no schedule reached
  Choices choices;   // of the failed schedule
};

struct Budget {
  double seconds = 1e9;
  std::uint64_t schedules = ~std::uint64_t{0};
};

// Runs every schedule within the limits, depth first.
Findings search_all(const Scenario& scenario, const Limits& limits, const Budget& budget = {});

// Alternates between random walks and PCT, with seeds from `seed` on.
Findings search_random(const Scenario& scenario, const Limits& limits, std::uint64_t seed,
                       const Budget& budget);

// Replays one schedule step by step.
std::vector<std::string> trace_of(const Scenario& scenario, const Limits& limits, const Choices& choices);

}  // namespace fallow::explore
