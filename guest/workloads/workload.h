// A workload: what the CPUs do with the memory, in phases that begin and end on all of them together.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::guest {

class Workload {
 public:
  enum class Step : std::uint8_t {
    More,   // call again
    Later,  // call again in a moment
    Done,   // this CPU has done its share of the phase
  };
  static constexpr unsigned kOver = ~0U;

  // A piece of CPU `cpu`'s share of `phase`, from 0 on: a millisecond or so. On that CPU.
  virtual Step step(std::uint32_t cpu, unsigned phase) noexcept = 0;

  // On CPU 0, now and then once every CPU is done with `phase`: the phase that follows, kOver at the end, or
  // `phase` again to wait. What it was told before is everybody's: no CPU is in a step.
  virtual unsigned next(unsigned phase) noexcept = 0;

 protected:
  ~Workload() = default;
};

}  // namespace fallow::guest
