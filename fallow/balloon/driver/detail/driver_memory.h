// Where the parts of a balloon driver lie: what it shares with the device, and what is its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/detail/frame_bitmap.h"
#include "fallow/balloon/driver/detail/driver_ring.h"
#include "fallow/balloon/wire.h"
#include "fallow/base/little_endian.h"
#include "fallow/virtio/ring/driver_queue.h"
#include "fallow/zone/zone.h"

namespace fallow {
struct BalloonDriverConfig;
}  // namespace fallow

namespace fallow::detail {

// How many queues a balloon may have (5.5.2).
inline constexpr std::size_t kBalloonQueues = 5;

// Page frame numbers in one buffer.
inline constexpr std::uint32_t kChunk = 256;

// A request for the device, between its report() and its end.
struct ReportSlot {
  std::uint32_t token = 0;   // the request's
  std::uint32_t chains = 0;  // with the device
  bool entered = false;      // report() has not returned
  bool failed = false;       // a part of it did not reach the device, or was given up
  bool short_of = false;     // the device initialised less than all of it
};

// A buffer that the device reads. The device may write it too, whatever it may: nothing is read back from it.
struct SharedBuffer {
  std::byte* memory = nullptr;
  GuestPhys address;
};

struct DriverMemory {
  RingMemory ring[kBalloonQueues];
  SharedBuffer inflate, deflate;                  // kChunk page frame numbers each
  SharedBuffer statistics;                        // kStatTags entries
  SharedBuffer hint_id, hint_stop;                // le32
  std::span<QueueBuffer> elements;                // of one chain
  std::span<ReportSlot> slots;                    // by slot_of() a token
  std::span<std::uint32_t> inflating, deflating;  // page frame numbers with the device
  std::span<std::uint64_t> balloon, hinted;       // bitmaps: frames, blocks
  bool fits = false;                              // if not, there is nothing here

  DriverMemory(const BalloonDriverConfig& config, const Zone& zone, SharedMemory shared,
               std::span<std::byte> own) noexcept;

  static ByteCount shared_size(const BalloonDriverConfig& config) noexcept;
  static ByteCount own_size(const BalloonDriverConfig& config, const Zone& zone) noexcept;

  // What a queue is begun with, before the device has its say.
  static DriverQueueConfig ring_config(const BalloonDriverConfig& config, BalloonQueue queue) noexcept;

 private:
  template <class Carver>
  void lay_out_shared(const BalloonDriverConfig& config, Carver& carver) noexcept;
  template <class Carver>
  void lay_out_own(const BalloonDriverConfig& config, const Zone& zone, Carver& carver) noexcept;
  DriverMemory() = default;
};

}  // namespace fallow::detail
