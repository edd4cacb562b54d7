// Runs a random program: some schedules of it, and what kind of failure one came to.
#pragma once

#include <cstdint>
#include <string>

#include "tests/explore/engine/search.h"
#include "tests/explore/programs/program.h"

namespace fallow::explore {

// Random walks and PCT in turn.
Findings run_random(const Program& program, const Limits& limits, std::uint64_t seed,
                    std::uint64_t schedules);
// All schedules within the limits, but no more than `schedules`.
Findings run_all(const Program& program, const Limits& limits, std::uint64_t schedules);

// The failure without its numbers: two failures of one kind are taken for the same fault.
std::string kind_of(const std::string& failure);

}  // namespace fallow::explore
