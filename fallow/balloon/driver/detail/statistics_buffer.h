// Statistics of a guest for its host (5.5.6.3): a single buffer that passes back and forth.
#pragma once

#include <cstdint>

#include "fallow/balloon/driver/detail/driver_context.h"
#include "fallow/balloon/driver/detail/driver_memory.h"
#include "fallow/balloon/driver/detail/driver_ring.h"
#include "fallow/zone/zone.h"

namespace fallow::detail {

// Used by one thread at a time.
class StatisticsBuffer {
 public:
  // A device that asks more than kRequests times in a window waits for the next window.
  static constexpr Nanoseconds kWindow = milliseconds(10);
  static constexpr std::uint32_t kRequests = 16;

  StatisticsBuffer(DriverContext& context, const Zone& zone, const DriverMemory& memory) noexcept
      : context_(context), zone_(zone), buffer_(memory.statistics), ring_(context) {}

  DriverRing& ring() noexcept { return ring_; }

  // Makes the first buffer available. open() notifies the device after DRIVER_OK is set (5.5.5).
  Status supply() noexcept;
  void open() noexcept;

  // Answers a request. Returns the time of the next call.
  Nanoseconds work() noexcept;

 private:
  std::uint32_t fill() noexcept;
  void put(std::uint32_t at, StatTag tag, std::uint64_t value) noexcept;

  DriverContext& context_;
  const Zone& zone_;
  const SharedBuffer buffer_;
  DriverRing ring_;
  Nanoseconds window_;
  std::uint32_t requests_ = 0;  // in the current window
};

}  // namespace fallow::detail
