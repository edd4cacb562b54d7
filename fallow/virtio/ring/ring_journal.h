// Told of each chain on its way, so that somebody else can hand back what a device held when it died.
#pragma once

#include <cstdint>

#include "fallow/virtio/ring/device_queue.h"

namespace fallow {

// Called on the device's thread. taken() comes before the chain is looked at, returning() before the driver
// can see it returned, returned() after that; so at each moment it is known whether a chain is owed, and
// where it is not, that depends on one look at the ring.
//
//   taken -> serving -> returning -> push -> returned
//                 \-> kept ... returning -> push -> returned
class RingJournal {
 public:
  // `position`: the queue's, after the chain was taken, or returned.
  virtual void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept = 0;
  virtual void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept = 0;
  virtual void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept = 0;
  virtual void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept = 0;

 protected:
  ~RingJournal() = default;
};

}  // namespace fallow
