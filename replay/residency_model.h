// The books: which frames are resident on the host, if every allocation touches and every report releases.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include "fallow/base/units.h"
#include "replay/zeroed_array.h"

namespace fallow::replay {

// Frames 0 to size - 1; none is resident at first. One thread touches, one other may report meanwhile, and
// anyone may ask.
class ResidencyModel {
 public:
  // Null when there is no memory: 2 bits a frame.
  static std::unique_ptr<ResidencyModel> create(PfnCount size);

  // The frames become resident. Returns how many of them were not.
  PfnCount touch(Pfn first, PfnCount n) noexcept;

  // The frames are no longer resident.
  void report(Pfn first, PfnCount n) noexcept;

  PfnCount resident() const noexcept { return {resident_count_.load(std::memory_order_relaxed)}; }
  // Resident frames that were reported, ever.
  PfnCount given_back() const noexcept { return {given_back_count_.load(std::memory_order_relaxed)}; }
  // Frames given back that were touched again, ever.
  PfnCount refaulted() const noexcept { return {refaulted_count_.load(std::memory_order_relaxed)}; }

 private:
  explicit ResidencyModel(PfnCount size);

  // Counts and bits order nothing, hence relaxed throughout. A frame that is being reported is touched only
  // after its report.
  using Word = std::atomic_ref<std::uint64_t>;

  ZeroedArray<std::uint64_t> resident_;
  ZeroedArray<std::uint64_t> given_back_;  // and not touched since
  std::atomic<std::uint64_t> resident_count_{0}, given_back_count_{0}, refaulted_count_{0};
};

}  // namespace fallow::replay
