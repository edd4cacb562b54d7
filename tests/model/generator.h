// Chooses random operations, in phases that fill a zone, empty it, and keep it full.
#pragma once

#include <random>

#include "tests/model/machine.h"

namespace fallow::model {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}
  // Returns a sensible next operation, and occasionally one that must be refused.
  Operation next(const Machine& machine);

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  void new_phase();
  unsigned some_order();
  Operation some_allocation(const Machine& machine);
  Operation some_free(const Machine& machine);
  Operation wild_free(const Machine& machine);
  Operation some_event(const Machine& machine);

  std::mt19937_64 random_;
  std::uint64_t left_in_phase_ = 0;
  std::uint64_t target_percent_ = 50;
  unsigned largest_order_ = 0;
  bool mostly_single_ = true;
  bool one_mobility_ = false;
  Operation last_freed_ = free(0, 0, 0);
};

}  // namespace fallow::model
