// The memory layout of a balloon driver: the part shared with the device and the private part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/detail/frame_bitmap.h"
#include "fallow/balloon/driver/detail/driver_ring.h"
#include "fallow/balloon/wire.h"
#include "fallow/base/detail/little_endian.h"
#include "fallow/virtio/ring/driver_queue.h"
#include "fallow/zone/zone.h"

namespace fallow {
struct BalloonDriverConfig;
}  // namespace fallow

namespace fallow::detail {

// The largest number of queues of a balloon (5.5.2).
inline constexpr std::size_t kBalloonQueues = 5;

// Page frame numbers per buffer.
inline constexpr std::uint32_t kChunk = 256;

// A request to the device, from report() to its completion.
struct ReportSlot {
  std::uint32_t token = 0;   // token of the request
  std::uint32_t chains = 0;  // chains that the device holds
  bool entered = false;      // report() is still running
  bool failed = false;       // a part did not reach the device, or was given up
  bool short_of = false;     // the device did not initialise every byte
};

// A buffer that the device reads. The device may also write into the buffer; the driver never reads the
// buffer back.
struct SharedBuffer {
  std::byte* memory = nullptr;
  GuestPhys address;
};

struct DriverMemory {
  RingMemory ring[kBalloonQueues];
  SharedBuffer inflate, deflate;                  // kChunk page frame numbers each
  SharedBuffer statistics;                        // kStatTags entries
  SharedBuffer hint_id, hint_stop;                // le32
  std::span<QueueBuffer> elements;                // elements of one chain
  std::span<ReportSlot> slots;                    // indexed by slot_of(token)
  std::span<std::uint32_t> inflating, deflating;  // page frame numbers with the device
  std::span<std::uint64_t> balloon, hinted;       // bitmaps: frames, blocks
  bool fits = false;                              // if false, all other members are empty

  DriverMemory(const BalloonDriverConfig& config, const Zone& zone, SharedMemory shared,
               std::span<std::byte> own) noexcept;

  static ByteCount shared_size(const BalloonDriverConfig& config) noexcept;
  static ByteCount own_size(const BalloonDriverConfig& config, const Zone& zone) noexcept;

  // Returns the configuration with which a queue starts, before the device limits the size.
  static DriverQueueConfig ring_config(const BalloonDriverConfig& config, BalloonQueue queue) noexcept;

 private:
  template <class Carver>
  void lay_out_shared(const BalloonDriverConfig& config, Carver& carver) noexcept;
  template <class Carver>
  void lay_out_own(const BalloonDriverConfig& config, const Zone& zone, Carver& carver) noexcept;
  DriverMemory() = default;
};

}  // namespace fallow::detail
