// The balloon itself: frames that the guest gives up, and takes back (5.5.6).
#pragma once

#include <cstdint>
#include <span>

#include "fallow/balloon/detail/frame_bitmap.h"
#include "fallow/balloon/driver/detail/driver_context.h"
#include "fallow/balloon/driver/detail/driver_memory.h"
#include "fallow/balloon/driver/detail/driver_ring.h"
#include "fallow/balloon/driver/detail/guest_frames.h"

namespace fallow::detail {

// One thread at a time. A frame is in the zone, in a chunk on its way in, in the balloon, or in a chunk on
// its way out (and then still in the balloon): DRV-3.
class BalloonPages {
 public:
  // After an allocation failed, and after a deflation for somebody else's that did.
  static constexpr Nanoseconds kOutOfPuff = milliseconds(200), kAfterOom = seconds(10);

  BalloonPages(DriverContext& context, GuestFrames& frames, const DriverMemory& memory) noexcept;

  DriverRing& inflate_ring() noexcept { return inflate_; }
  DriverRing& deflate_ring() noexcept { return deflate_; }
  // The device was initialised. `must_tell`: its frames are not used before it acknowledged (5.5.6.1).
  void open(bool must_tell) noexcept;
  // The device was reset: all frames go back to the zone.
  void abandon() noexcept;

  // Brings the balloon closer to `target`. Returns when it wants to be called again: `now` if there is more
  // to do at once, kNever when the device, or the target, has to change first.
  Nanoseconds work(PfnCount target) noexcept;

  // Takes frames out, waiting for the device where it must be told; returns how many the zone got. Stops
  // short when the device does not answer, is broken, or the balloon is empty.
  PfnCount deflate(PfnCount wanted) noexcept;
  // No inflation for a while.
  void rest(Nanoseconds time) noexcept { rest_until_ = context_.port().now() + time; }

  PfnCount size() const noexcept { return {size_}; }
  bool waiting() const noexcept { return inflating_.count != 0 || deflating_.count != 0; }

 private:
  // Page frame numbers on their way to or from the device.
  struct Chunk {
    std::span<std::uint32_t> pfns;
    SharedBuffer buffer;
    std::uint32_t count = 0;
  };
  static constexpr int kChunksAtOnce = 64;

  bool collect() noexcept;
  bool start_inflating(PfnCount wanted) noexcept;
  bool start_deflating(PfnCount wanted) noexcept;
  bool send(DriverRing& ring, Chunk& chunk) noexcept;
  bool returned(DriverRing& ring, const Chunk& chunk) noexcept;
  void inflated() noexcept;
  PfnCount release_deflating() noexcept;
  PfnCount wait_for_deflating() noexcept;
  void resize(std::uint64_t size) noexcept;
  void tell_actual() noexcept;
  std::uint64_t number_of(std::uint32_t pfn) const noexcept { return pfn - frames_.base().raw; }

  DriverContext& context_;
  GuestFrames& frames_;
  DriverRing inflate_, deflate_;
  Chunk inflating_, deflating_;
  bool released_ = false;  // the frames of deflating_ are the zone's already
  bool must_tell_ = true;
  FrameBitmap balloon_;
  std::uint64_t size_ = 0;
  std::uint64_t cursor_ = 0;       // where to look for frames to take out
  std::uint64_t told_actual_ = 0;  // what the device was told
  Nanoseconds rest_until_;
};

}  // namespace fallow::detail
