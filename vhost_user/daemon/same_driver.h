// Decides whether the driver whose rings start is the driver whose rings stopped. A monitor that pauses and
// resumes its guest sends the same messages as for a new driver, except for the ring bases.
#pragma once

#include <cstdint>

#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "vhost_user/daemon/guest_record.h"

namespace fallow::vhost {

// VH-5: what a driver said (`actual`, the balloon's pages, the poison value) counts until another driver
// begins. While no ring runs, the driver's identity is open. A ring that starts where it stopped, at a base
// that GET_VRING_BASE returned and that no new driver uses, belongs to the same driver. A ring that starts
// elsewhere belongs to another driver. A ring that starts where it stopped, at a fresh base, proves neither.
// Tests: ServerStopAndGoOn.*
//
// Keeps all data in the record. The next process may repeat any call.
class SameDriver {
 public:
  explicit SameDriver(GuestRecord& record) noexcept : record_(record) {}

  enum class Verdict : std::uint8_t { Same, Another, Unproven };

  // A ring stopped; `base` is what GET_VRING_BASE returned. `last`: no ring runs any more.
  void handed_out(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                  bool last) noexcept;
  // A ring stopped because it is being set up anew.
  void set_up_anew(std::uint16_t queue, bool last) noexcept;
  // Another driver certainly begins.
  void another() noexcept;

  // All rings stopped, and no ring that started since has proved which driver it belongs to.
  bool open() const noexcept { return record_.driver_open != 0; }
  // Returns what starts() will return; changes nothing.
  Verdict verdict(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                  bool packed) const noexcept;
  // A ring starts, at `base`.
  Verdict starts(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                 bool packed) noexcept;

 private:
  GuestRecord& record_;
};

}  // namespace fallow::vhost
