// Generates small, contended random programs: most zones are nearly full, or have one or two free blocks.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>

#include "tests/explore/programs/program.h"

namespace fallow::explore {

// Generates one program; the same seed gives the same program.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}
  Program program();

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  // Numbers are drawn one by one, never within the arguments of one call, whose evaluation order depends on
  // the compiler.
  template <class T>
  T pick(std::initializer_list<T> list) {
    return list.begin()[below(list.size())];
  }

  void choose_zone(Program& p);
  void choose_free_frames(Program& p);
  void choose_orders();
  unsigned largest_order() const;
  void choose_reporting(Program& p);
  void choose_before(Program& p);
  void choose_thread(Program& p, unsigned thread);

  unsigned some_order();
  Mobility some_mobility();
  unsigned some_cache(const Program& p, unsigned thread);
  Operation some_allocation(const Program& p, unsigned thread);
  Operation some_misuse(const Program& p, unsigned cache);
  Operation some_registering();
  Operation frame_operation(const Program& p, unsigned thread);
  Operation control_operation(const Program& p);
  Operation some_report();
  Operation some_work();

  std::mt19937_64 random_;
  std::uint64_t free_ = 0;   // frames that are not withheld
  unsigned orders_[3] = {};  // orders of allocations
  bool one_mobility_ = true;
  bool misuse_ = false;
  bool passes_caches_ = false;
};

}  // namespace fallow::explore
