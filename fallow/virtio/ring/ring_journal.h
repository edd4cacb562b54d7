// Records the path of each chain, so that another process can return the chains that a device held when it
// died.
#pragma once

#include <cstdint>

#include "fallow/virtio/ring/device_queue.h"

namespace fallow {

/// Called on the device's thread. taken() precedes the first use of the chain; returning() precedes the
/// moment when the driver can see the returned chain; returned() follows that moment. At each moment the
/// journal therefore says whether a chain is owed, or a single check of the ring decides.
///
/// ```
/// taken -> serving -> returning -> push -> returned
///               \-> kept ... returning -> push -> returned
/// ```
class RingJournal {
 public:
  /// The device took a chain; `position` is the position of the queue afterwards.
  virtual void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept = 0;
  /// The device keeps the chain for a later answer, as it does with a buffer of statistics.
  virtual void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept = 0;
  /// The device is about to return the chain.
  virtual void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept = 0;
  /// The device has returned the chain; `position` is the position of the queue afterwards.
  virtual void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept = 0;

 protected:
  ~RingJournal() = default;
};

}  // namespace fallow
