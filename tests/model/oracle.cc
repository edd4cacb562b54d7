#include "tests/model/oracle.h"

namespace fallow::model {

Oracle::Oracle(Pfn base, PfnCount size) : base_(base), state_(size.raw, 0), position_(size.raw, kNone) {}

bool Oracle::contains(Pfn first, PfnCount count) const {
  return first >= base_ && count <= size() && first - base_ <= size() - count;
}

bool Oracle::all_allocated(Pfn first, PfnCount count) const {
  for (std::uint64_t i = 0; i < count.raw; ++i) {
    if (position_[index(first) + i] == kNone) return false;
  }
  return true;
}

bool Oracle::all_reported(Pfn first, PfnCount count) const {
  for (std::uint64_t i = 0; i < count.raw; ++i) {
    if ((state_[index(first) + i] & kReported) == 0) return false;
  }
  return true;
}

bool Oracle::can_allocate(Pfn first, PfnCount count) const {
  for (std::uint64_t i = 0; i < count.raw; ++i) {
    const std::size_t at = index(first) + i;
    if (position_[at] != kNone || (state_[at] & kInFlight) != 0) return false;
  }
  return true;
}

bool Oracle::has_free_block(Order order) const {
  const std::uint64_t n = frames(order).raw, end = base_.raw + size().raw;
  for (std::uint64_t first = (base_.raw + n - 1) / n * n; first + n <= end; first += n) {
    if (can_allocate({first}, {n})) return true;
  }
  return false;
}

void Oracle::allocate(Pfn first, PfnCount count) {
  for (std::uint64_t i = 0; i < count.raw; ++i) {
    const std::size_t at = index(first) + i;
    position_[at] = static_cast<std::uint32_t>(list_.size());
    list_.push_back(static_cast<std::uint32_t>(at));
    reported_ -= state_[at] & kReported;
    state_[at] &= static_cast<std::uint8_t>(~kReported);
  }
}

void Oracle::free(Pfn first, PfnCount count) {
  for (std::uint64_t i = 0; i < count.raw; ++i) {
    const std::size_t at = index(first) + i;
    const std::uint32_t last = list_.back();
    list_[position_[at]] = last;
    position_[last] = position_[at];
    list_.pop_back();
    position_[at] = kNone;
  }
}

void Oracle::set_in_flight(Pfn first, PfnCount count, bool on) {
  for (std::uint64_t i = 0; i < count.raw; ++i) {
    std::uint8_t& state = state_[index(first) + i];
    state = static_cast<std::uint8_t>(on ? state | kInFlight : state & ~kInFlight);
  }
}

void Oracle::report(Pfn first, PfnCount count) {
  for (std::uint64_t i = 0; i < count.raw; ++i) state_[index(first) + i] |= kReported;
  reported_ += count.raw;
}

void Oracle::forget_reported() {
  for (std::uint8_t& state : state_) state &= static_cast<std::uint8_t>(~kReported);
  reported_ = 0;
}

}  // namespace fallow::model
