// A transport over the functions of a C program.
#pragma once

#include <cstdint>
#include <span>

#include "fallow/c/balloon_driver.h"
#include "fallow/c/detail/status_values.h"
#include "fallow/platform/port.h"
#include "fallow/virtio/transport/detail/pending_notifications.h"
#include "fallow/virtio/transport/transport.h"

namespace fallow::detail {

// Keeps a copy of the structure. Calls of the device arrive through deliver(), never two at once.
class CTransport final : public Transport {
 public:
  CTransport(Port& port, const fallow_transport& functions) noexcept : port_(port), f_(functions) {}

  // Passes notifications of the device (bits of PendingNotifications) on to the driver, if it wants calls.
  void deliver(std::uint64_t news) noexcept {
    news_.add(news);
    news_.pass_on();
  }

  Features offered() noexcept override { return f_.offered(f_.context); }
  void accept(Features features) noexcept override { f_.accept(f_.context, features); }
  std::uint8_t status() noexcept override { return f_.status(f_.context); }
  void set_status(std::uint8_t status) noexcept override { f_.set_status(f_.context, status); }
  std::uint32_t config_generation() noexcept override { return f_.config_generation(f_.context); }
  void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override {
    f_.read_config(f_.context, offset, into.data(), static_cast<std::uint32_t>(into.size()));
  }
  void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept override {
    f_.write_config(f_.context, offset, from.data(), static_cast<std::uint32_t>(from.size()));
  }
  std::uint16_t max_queue_size(std::uint16_t queue) noexcept override {
    const std::uint32_t size = f_.max_queue_size(f_.context, queue);
    return static_cast<std::uint16_t>(size < FALLOW_MAX_QUEUE_SIZE ? size : FALLOW_MAX_QUEUE_SIZE);
  }
  Status start_queue(std::uint16_t queue, const QueueAddresses& at) noexcept override {
    const fallow_queue_addresses addresses = {.descriptors = at.descriptors.raw,
                                              .driver_area = at.driver_area.raw,
                                              .device_area = at.device_area.raw,
                                              .size = at.size};
    return f_.start_queue(f_.context, queue, &addresses) == FALLOW_OK ? Status::Ok : Status::Failed;
  }
  Status reset_queue(std::uint16_t queue) noexcept override {
    if (f_.reset_queue == nullptr) return Status::Failed;
    return f_.reset_queue(f_.context, queue) == FALLOW_OK ? Status::Ok : Status::Failed;
  }
  void notify(std::uint16_t queue) noexcept override { f_.notify(f_.context, queue); }
  void set_calls(DeviceCalls* calls) noexcept override {
    news_.set_calls(port_, calls);
    if (news_.any()) news_.pass_on();  // MO-17: a notification may have arrived meanwhile
  }

 private:
  Port& port_;
  const fallow_transport f_;
  PendingNotifications news_;
};

}  // namespace fallow::detail
