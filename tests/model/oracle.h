// The required state of a zone, stored in the simplest way: a byte for each frame.
#pragma once

#include <cstdint>
#include <vector>

#include "fallow/base/units.h"

namespace fallow::model {

class Oracle {
 public:
  Oracle(Pfn base, PfnCount size);

  Pfn base() const { return base_; }
  PfnCount size() const { return {state_.size()}; }
  PfnCount allocated() const { return {list_.size()}; }
  PfnCount reported() const { return {reported_}; }

  bool contains(Pfn first, PfnCount count) const;
  bool is_allocated(Pfn pfn) const { return position_[index(pfn)] != kNone; }
  bool all_allocated(Pfn first, PfnCount count) const;
  bool is_reported(Pfn pfn) const { return (at(pfn) & kReported) != 0; }
  bool is_in_flight(Pfn pfn) const { return (at(pfn) & kInFlight) != 0; }
  bool all_reported(Pfn first, PfnCount count) const;
  // Whether the frames are free, and not being reported.
  bool can_allocate(Pfn first, PfnCount count) const;
  // Whether some block of this order could be allocated.
  bool has_free_block(Order order) const;

  void allocate(Pfn first, PfnCount count);
  void free(Pfn first, PfnCount count);
  void set_in_flight(Pfn first, PfnCount count, bool on);
  void report(Pfn first, PfnCount count);
  void forget_reported();

  // Returns the i-th allocated frame, in arbitrary order; i < allocated().
  Pfn allocated_frame(std::uint64_t i) const { return {base_.raw + list_[i]}; }

 private:
  static constexpr std::uint8_t kReported = 1, kInFlight = 2;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  std::size_t index(Pfn pfn) const { return (pfn - base_).raw; }
  std::uint8_t at(Pfn pfn) const { return state_[index(pfn)]; }

  Pfn base_;
  std::vector<std::uint8_t> state_;
  std::vector<std::uint32_t> list_;      // the allocated frames
  std::vector<std::uint32_t> position_;  // each frame's position in the list
  std::uint64_t reported_ = 0;
};

}  // namespace fallow::model
