// Counts the misuse of a zone and remembers the last case.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/zone/zone_stats.h"

namespace fallow::detail {

class MisuseLog {
 public:
  // Records a misuse and returns `why`.
  Status refuse(Pfn pfn, Status why) noexcept {
    const Pfn named = pfn < Misuse::kLastNamed ? pfn : Misuse::kLastNamed;
    last_.store((named.raw << 8) | static_cast<std::uint64_t>(why), std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
    return why;
  }

  Misuse read() const noexcept {
    const std::uint64_t last = last_.load(std::memory_order_relaxed);
    return {count_.load(std::memory_order_relaxed), Pfn{last >> 8}, static_cast<Status>(last & 0xff)};
  }

 private:
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> last_{0};  // pfn << 8 | status
};

}  // namespace fallow::detail
