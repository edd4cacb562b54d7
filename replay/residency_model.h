// The residency model: which frames are resident on the host if every allocation touches its frames and every
// report releases its frames.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include "fallow/base/units.h"
#include "replay/zeroed_array.h"

namespace fallow::replay {

// Covers frames 0 to size - 1, none of which is resident at first. One thread calls touch(), one other thread
// may call report() meanwhile, and any thread may read the counters.
class ResidencyModel {
 public:
  // Returns null if there is no memory. Needs 2 bits a frame.
  static std::unique_ptr<ResidencyModel> create(PfnCount size);

  // Makes the frames resident. Returns how many were not resident before.
  PfnCount touch(Pfn first, PfnCount n) noexcept;

  // Makes the frames non-resident.
  void report(Pfn first, PfnCount n) noexcept;

  PfnCount resident() const noexcept { return {resident_count_.load(std::memory_order_relaxed)}; }
  // Returns the total number of resident frames that were reported.
  PfnCount given_back() const noexcept { return {given_back_count_.load(std::memory_order_relaxed)}; }
  // Returns the total number of frames touched again after they were given back.
  PfnCount refaulted() const noexcept { return {refaulted_count_.load(std::memory_order_relaxed)}; }

 private:
  explicit ResidencyModel(PfnCount size);

  // Relaxed throughout: counters and bits order no other access. A frame in a report is touched only after
  // the report ends.
  using Word = std::atomic_ref<std::uint64_t>;

  ZeroedArray<std::uint64_t> resident_;
  ZeroedArray<std::uint64_t> given_back_;  // and not touched since
  std::atomic<std::uint64_t> resident_count_{0}, given_back_count_{0}, refaulted_count_{0};
};

}  // namespace fallow::replay
