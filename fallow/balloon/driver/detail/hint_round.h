// Free page hinting (5.5.6.5): while the device moves the guest elsewhere, it is told which pages it need not
// copy. They are kept until it is done.
#pragma once

#include <cstdint>

#include "fallow/balloon/detail/frame_bitmap.h"
#include "fallow/balloon/driver/detail/driver_context.h"
#include "fallow/balloon/driver/detail/driver_memory.h"
#include "fallow/balloon/driver/detail/driver_ring.h"
#include "fallow/balloon/driver/detail/guest_frames.h"
#include "fallow/balloon/driver/detail/report_requests.h"

namespace fallow::detail {

// One thread at a time. Blocks of order 10, then 9, that are free and above the low watermark.
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

  // Does what the device's command asks for. Returns when it wants to be called again.
  Nanoseconds work(std::uint32_t command) noexcept;

  // Gives back blocks until `wanted` frames are, and hints no more in this round. 5.5.6.5.1 allows that at
  // any time.
  PfnCount release(PfnCount wanted) noexcept;
  // The device was reset.
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
  FrameBitmap kept_;  // blocks, as the zone counts them
  DriverRing ring_;
  std::uint64_t kept_blocks_ = 0;
  Phase phase_ = Phase::Idle;
  std::uint32_t round_ = kHintStop;  // the command id of the last round
};

}  // namespace fallow::detail
