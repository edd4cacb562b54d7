// The balloon itself: frames that the guest gives up and takes back (5.5.6).
#pragma once

#include <cstdint>
#include <span>

#include "fallow/balloon/detail/frame_bitmap.h"
#include "fallow/balloon/driver/detail/driver_context.h"
#include "fallow/balloon/driver/detail/driver_memory.h"
#include "fallow/balloon/driver/detail/driver_ring.h"
#include "fallow/balloon/driver/detail/guest_frames.h"

namespace fallow::detail {

// Used by one thread at a time. DRV-3: a frame is in the zone, in the inflating chunk, in the balloon, or in
// the deflating chunk (and then still in the balloon).
class BalloonPages {
 public:
  // Pauses of inflation: after an allocation for the balloon failed, and after a deflation on behalf of an
  // allocation that failed elsewhere.
  static constexpr Nanoseconds kOutOfPuff = milliseconds(200), kAfterOom = seconds(10);

  BalloonPages(DriverContext& context, GuestFrames& frames, const DriverMemory& memory) noexcept;

  DriverRing& inflate_ring() noexcept { return inflate_; }
  DriverRing& deflate_ring() noexcept { return deflate_; }
  // The device was initialised. With `must_tell`, deflated frames are not used before the device acknowledged
  // (5.5.6.1).
  void open(bool must_tell) noexcept;
  // The device was reset: all frames return to the zone.
  void abandon() noexcept;

  // Moves the balloon towards `target`. Returns the time of the next call: `now` if more work is ready,
  // kNever if the device or the target must change first.
  Nanoseconds work(PfnCount target) noexcept;

  // Takes frames out of the balloon and waits for the device if the device must be told. Returns the number
  // of frames that the zone received. Stops early if the device does not answer, is broken, or the balloon is
  // empty.
  PfnCount deflate(PfnCount wanted) noexcept;
  // Suspends inflation for `time`.
  void rest(Nanoseconds time) noexcept { rest_until_ = context_.port().now() + time; }

  PfnCount size() const noexcept { return {size_}; }
  bool waiting() const noexcept { return inflating_.count != 0 || deflating_.count != 0; }

 private:
  // Page frame numbers in transit to or from the device.
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
  bool released_ = false;  // the frames of deflating_ are already in the zone
  bool must_tell_ = true;
  FrameBitmap balloon_;
  std::uint64_t size_ = 0;
  std::uint64_t cursor_ = 0;       // where the search for frames to take out starts
  std::uint64_t told_actual_ = 0;  // the value that the device was told
  Nanoseconds rest_until_;
};

}  // namespace fallow::detail
