// The inflight area of the vhost-user protocol, for split rings: memory of the front-end's that says which
// chains a back-end has taken, so that the next back-end knows what is owed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "fallow/host/detail/guarded_mapping.h"
#include "fallow/host/expected.h"
#include "fallow/virtio/ring/ring_journal.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// As QEMU's specification lays it out ("Inflight I/O tracking", version 1 of the split layout). The device's
// thread.
class InflightArea final : public RingJournal {
 public:
  // The bytes of an area.
  static std::uint64_t size(std::uint16_t queues, std::uint16_t queue_size) noexcept;

  // Makes a file for the area and fills in its descriptor and size. Failed: there is none.
  static Status make(InflightSettings& inflight) noexcept;

  // Maps what the front-end gives. Fails for an area that is too small or no file.
  static Expected<InflightArea> open(const InflightSettings& inflight);

  // A ring begins: returns the chains that are owed, in the order in which they were taken; `used` is the
  // ring's own used index. None, and what the area said of the queue is forgotten: it was written for a ring
  // of another size or used index. Whether the ring lies where that one did the area does not say.
  std::vector<std::uint16_t> owed(std::uint16_t queue, std::uint16_t size, std::uint16_t used) noexcept;

  // Another driver begins: nothing of a queue is in flight any more.
  void forget(std::uint16_t queue) noexcept;

  // RingJournal.
  void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept override;
  void kept(std::uint16_t, std::uint16_t, std::uint16_t) noexcept override {}
  void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
  void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept override;

 private:
  struct Descriptor;
  struct Queue;

  InflightArea(std::unique_ptr<detail::GuardedMapping> mapping, const InflightSettings& inflight,
               std::size_t shift) noexcept;
  Queue* queue(std::uint16_t queue) const noexcept;
  Descriptor* descriptor(std::uint16_t queue, std::uint16_t id) const noexcept;

  std::unique_ptr<detail::GuardedMapping> mapping_;
  std::byte* begin_;
  std::uint16_t queues_, queue_size_;
  std::uint64_t counter_ = 0;
};

}  // namespace fallow::vhost
