// Whether the driver whose rings start is the one whose rings stopped: a monitor that stops its guest and
// lets it go on sends what it sends for a driver that begins, but for where the rings go on.
#pragma once

#include <cstdint>

#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "vhost_user/daemon/guest_record.h"

namespace fallow::vhost {

// VH-5: what a driver said (`actual`, the balloon's pages, the poison value) counts until another one begins.
// While no ring runs this is open. A ring that starts where it stopped, at a base that GET_VRING_BASE handed
// out and that no driver begins with, is the same driver's; one that starts elsewhere is another's; one that
// starts where it stopped and at the beginning proves neither. Tests: ServerStopAndGoOn.*
//
// Keeps all of it in the record, where each call may be repeated by the next process.
class SameDriver {
 public:
  explicit SameDriver(GuestRecord& record) noexcept : record_(record) {}

  enum class Verdict : std::uint8_t { Same, Another, Unproven };

  // A ring stopped; `base` is what GET_VRING_BASE handed out. `last`: no ring runs any more.
  void handed_out(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                  bool last) noexcept;
  // A ring stopped because it is set up anew.
  void set_up_anew(std::uint16_t queue, bool last) noexcept;
  // Another driver begins for certain.
  void another() noexcept;

  // All rings stopped, and no ring that started since proved whose it is.
  bool open() const noexcept { return record_.driver_open != 0; }
  // What starts() will say; changes nothing.
  Verdict verdict(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                  bool packed) const noexcept;
  // A ring starts, at `base`.
  Verdict starts(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                 bool packed) noexcept;

 private:
  GuestRecord& record_;
};

}  // namespace fallow::vhost
