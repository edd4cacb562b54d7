// Runs some schedules of a random program, and classifies its failure.
#pragma once

#include <cstdint>
#include <string>

#include "tests/explore/engine/search.h"
#include "tests/explore/programs/program.h"

namespace fallow::explore {

// Alternates between random walks and PCT.
Findings run_random(const Program& program, const Limits& limits, std::uint64_t seed,
                    std::uint64_t schedules);
// Runs all schedules within the limits, but at most `schedules`.
Findings run_all(const Program& program, const Limits& limits, std::uint64_t schedules);

// Returns the failure without its numbers: two failures of one kind are treated as the same fault.
std::string kind_of(const std::string& failure);

}  // namespace fallow::explore
