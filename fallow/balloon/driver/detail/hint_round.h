// Free page hinting (5.5.6.5): during a migration the driver tells the device which pages need no copy. The
// driver keeps these pages until the device is done.
#pragma once

#include <cstdint>

#include "fallow/balloon/detail/frame_bitmap.h"
#include "fallow/balloon/driver/detail/driver_context.h"
#include "fallow/balloon/driver/detail/driver_memory.h"
#include "fallow/balloon/driver/detail/driver_ring.h"
#include "fallow/balloon/driver/detail/guest_frames.h"
#include "fallow/balloon/driver/detail/report_requests.h"

namespace fallow::detail {

// Used by one thread at a time. Hints free blocks of order 10, then 9, above the low watermark.
class HintRound {
 public:
  HintRound(DriverContext& context, GuestFrames& frames, ReportRequests& reports,
            const DriverMemory& memory) noexcept
      : context_(context),
        frames_(frames),
        reports_(reports),
        id_(memory.hint_id),
        stop_(memory.hint_stop),
        kept_(memory.hinted),
        ring_(context) {}

  DriverRing& ring() noexcept { return ring_; }

  // Executes the device's command. Returns the time of the next call.
  Nanoseconds work(std::uint32_t command) noexcept;

  // Releases blocks until `wanted` frames are free, and hints no more in this round. 5.5.6.5.1 allows this at
  // any time.
  PfnCount release(PfnCount wanted) noexcept;
  // The device was reset: all blocks return to the zone.
  void abandon() noexcept;

  bool waiting() const noexcept { return ring_.in_flight() != 0; }
  PfnCount kept() const noexcept { return {kept_blocks_ * kBlockFrames}; }

 private:
  enum class Phase : std::uint8_t { Idle, Hinting, Stopping };
  static constexpr std::uint64_t kAllFrames = ~std::uint64_t{0};
  static constexpr unsigned kBlocksAtOnce = 16;

  bool send_id(const SharedBuffer& buffer, std::uint32_t id) noexcept;
  Nanoseconds begin(std::uint32_t command) noexcept;
  Nanoseconds hint() noexcept;
  bool hint_block(bool& left) noexcept;
  Nanoseconds stop() noexcept;

  DriverContext& context_;
  GuestFrames& frames_;
  ReportRequests& reports_;
  const SharedBuffer id_, stop_;
  FrameBitmap kept_;  // blocks, indexed from the start of the zone
  DriverRing ring_;
  std::uint64_t kept_blocks_ = 0;
  Phase phase_ = Phase::Idle;
  std::uint32_t round_ = kHintStop;  // the command id of the last round
};

}  // namespace fallow::detail
