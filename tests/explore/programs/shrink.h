// Makes a failing program small.
#pragma once

#include <cstdint>

#include "tests/explore/engine/search.h"
#include "tests/explore/programs/program.h"

namespace fallow::explore {

struct FailingProgram {
  Program program;
  Limits limits;
  Findings findings;  // what failed, and in which schedule
};

// Leaves out threads, operations, holes, frames and parameters, as long as some schedule fails in the same
// way: one of `schedules` random ones, or of all with two preemptions. At last the schedule is made simple.
FailingProgram shrink(FailingProgram failing, std::uint64_t seed, std::uint64_t schedules = 400);

}  // namespace fallow::explore
