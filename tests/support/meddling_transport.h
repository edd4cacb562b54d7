// A transport between a driver and a device that lies, breaks and disappears on a test's command.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "fallow/virtio/ring/detail/split_layout.h"
#include "fallow/virtio/transport/transport.h"

namespace fallow {

class MeddlingTransport final : public Transport {
 public:
  explicit MeddlingTransport(Transport& inner) : inner_(inner) {}

  // Each call counts as a step; `at_step` runs at the beginning of each step with its number, from 1 on.
  std::function<void(std::uint64_t)> at_step;
  std::atomic<std::uint64_t> steps{0};

  std::optional<Features> offers;                  // replaces the device's features
  std::optional<std::uint8_t> shows;               // replaces the status, whatever was written
  std::uint8_t shows_too = 0;                      // status bits added to the device's
  std::uint8_t hides = 0;                          // status bits removed
  std::map<std::uint16_t, std::uint16_t> size_of;  // by queue
  std::function<Status(std::uint16_t)> on_start_queue;
  std::function<Status(std::uint16_t)> on_reset_queue;
  std::function<std::optional<std::uint32_t>(std::uint32_t offset)> on_read_config;
  std::function<std::uint32_t()> generation;
  std::function<void(std::uint16_t)> on_notify;    // replaces the device's notification
  std::array<detail::QueueAddresses, 8> queues{};  // as the driver set them up
  std::vector<std::uint8_t> written_status;
  Features accepted = 0;
  std::map<std::uint32_t, std::uint32_t> written_config;
  DeviceCalls* calls = nullptr;

  Features offered() noexcept override {
    step();
    return offers.value_or(inner_.offered());
  }
  void accept(Features features) noexcept override {
    step();
    accepted = features;
    inner_.accept(features);
  }
  std::uint8_t status() noexcept override {
    step();
    return shows.value_or(
        static_cast<std::uint8_t>((inner_.status() | shows_too) & static_cast<std::uint8_t>(~hides)));
  }
  void set_status(std::uint8_t status) noexcept override {
    step();
    written_status.push_back(status);
    inner_.set_status(status);
  }
  std::uint32_t config_generation() noexcept override {
    step();
    return generation ? generation() : inner_.config_generation();
  }
  void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override {
    step();
    inner_.read_config(offset, into);
    const std::optional<std::uint32_t> lie = on_read_config ? on_read_config(offset) : std::nullopt;
    if (lie && into.size() == sizeof(*lie)) __builtin_memcpy(into.data(), &*lie, sizeof(*lie));
  }
  void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept override {
    step();
    std::uint32_t value = 0;
    __builtin_memcpy(&value, from.data(), from.size() < 4 ? from.size() : 4);
    written_config[offset] = value;
    inner_.write_config(offset, from);
  }
  std::uint16_t max_queue_size(std::uint16_t queue) noexcept override {
    step();
    const auto found = size_of.find(queue);
    return found != size_of.end() ? found->second : inner_.max_queue_size(queue);
  }
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept override {
    step();
    if (queue < queues.size()) queues[queue] = addresses;
    if (on_start_queue && on_start_queue(queue) != Status::Ok) return Status::Failed;
    return inner_.start_queue(queue, addresses);
  }
  Status reset_queue(std::uint16_t queue) noexcept override {
    step();
    if (on_reset_queue && on_reset_queue(queue) != Status::Ok) return Status::Failed;
    return inner_.reset_queue(queue);
  }
  void notify(std::uint16_t queue) noexcept override {
    step();
    if (on_notify) {
      on_notify(queue);
    } else {
      inner_.notify(queue);
    }
  }
  void set_calls(DeviceCalls* to) noexcept override {
    calls = to;
    inner_.set_calls(to);
  }

 private:
  void step() {
    const std::uint64_t step = ++steps;
    if (at_step) at_step(step);
  }
  Transport& inner_;
};

}  // namespace fallow
