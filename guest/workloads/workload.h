// A workload: what the CPUs do with the memory, in phases that begin and end on all CPUs together.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::guest {

class Workload {
 public:
  enum class Step : std::uint8_t {
    More,   // call again
    Later,  // call again after a short delay
    Done,   // this CPU has finished its share of the phase
  };
  static constexpr unsigned kOver = ~0U;

  // Runs a piece, about a millisecond, of CPU `cpu`'s share of `phase`. Phases count from 0. Called on that
  // CPU.
  virtual Step step(std::uint32_t cpu, unsigned phase) noexcept = 0;

  // Returns the phase after `phase`, kOver at the end, or `phase` again to wait. Called on CPU 0, repeatedly,
  // after every CPU has finished `phase`. No CPU is in a step, so all state of the workload may be used.
  virtual unsigned next(unsigned phase) noexcept = 0;

 protected:
  ~Workload() = default;
};

}  // namespace fallow::guest
