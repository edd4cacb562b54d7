// Minimises a failing program.
#pragma once

#include <cstdint>

#include "tests/explore/engine/search.h"
#include "tests/explore/programs/program.h"

namespace fallow::explore {

struct FailingProgram {
  Program program;
  Limits limits;
  Findings findings;  // the failure, and the failing schedule
};

// Removes threads, operations, holes, frames and parameters as long as some schedule fails in the same way:
// one of `schedules` random ones, or of all with two preemptions. Finally simplifies the schedule.
FailingProgram shrink(FailingProgram failing, std::uint64_t seed, std::uint64_t schedules = 400);

}  // namespace fallow::explore
