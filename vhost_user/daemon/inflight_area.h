// The in-flight area of the vhost-user protocol, for split rings: memory of the front-end which records the
// chains that a back-end has taken, so that the next back-end knows which chains are owed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "fallow/host/detail/guarded_mapping.h"
#include "fallow/host/expected.h"
#include "fallow/virtio/ring/device_queue.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// The layout follows QEMU's specification ("Inflight I/O tracking", version 1 of the split layout). For the
// device's thread.
class InflightArea final : public RingJournal {
 public:
  // The size of an area in bytes.
  static std::uint64_t size(std::uint16_t queues, std::uint16_t queue_size) noexcept;

  // Creates a file for the area and fills in its descriptor and size. NoMemory: the file could not be
  // created.
  static Status make(InflightSettings& inflight) noexcept;

  // Maps the front-end's area. Fails if the area is too small or not a file.
  static Expected<InflightArea> open(const InflightSettings& inflight);

  // A ring begins: returns the chains that are owed, in the order in which they were taken; `used` is the
  // ring's own used index. If the area was written for a ring of another size or used index, the queue's part
  // is cleared and no chain is returned. The area does not record the addresses of its ring.
  std::vector<std::uint16_t> owed(std::uint16_t queue, std::uint16_t size, std::uint16_t used) noexcept;

  // Another driver begins: no chain of the queue is in flight any more.
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
