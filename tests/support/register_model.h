// The common part of the register models. A model stands in front of one of Fallow's devices, whose transport
// notifies it. It shows the registers of a hypervisor, stores the driver's selections, and records each rule
// that the driver breaks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fallow/virtio/transport/registers.h"
#include "fallow/virtio/transport/transport.h"

namespace fallow {

// Registers as two functions, with the width of an access.
class ModelRegisters final : public Registers {
 public:
  std::function<std::uint32_t(std::uint64_t offset, unsigned width)> read;
  std::function<void(std::uint64_t offset, unsigned width, std::uint32_t value)> write;

  std::uint8_t read8(std::uint64_t offset) noexcept override {
    return static_cast<std::uint8_t>(read(offset, 1));
  }
  std::uint16_t read16(std::uint64_t offset) noexcept override {
    return static_cast<std::uint16_t>(read(offset, 2));
  }
  std::uint32_t read32(std::uint64_t offset) noexcept override { return read(offset, 4); }
  void write8(std::uint64_t offset, std::uint8_t value) noexcept override { write(offset, 1, value); }
  void write16(std::uint64_t offset, std::uint16_t value) noexcept override { write(offset, 2, value); }
  void write32(std::uint64_t offset, std::uint32_t value) noexcept override { write(offset, 4, value); }
};

class RegisterModel : public DeviceCalls {
 public:
  static constexpr std::uint16_t kQueues = 32;

  explicit RegisterModel(Transport& device) : device_(device) { device_.set_calls(this); }
  RegisterModel(const RegisterModel&) = delete;
  RegisterModel& operator=(const RegisterModel&) = delete;

  // In the order of the violations. Empty, unless a test breaks rules itself.
  std::vector<std::string> broken_rules;
  // Replaces the values of the device's registers; none: the true values. On PCI: of the common
  // configuration.
  std::function<std::optional<std::uint32_t>(std::uint64_t offset)> lie;
  // The number of reads for which a queue reset appears to be in progress.
  unsigned slow_reset = 0;
  std::uint64_t notifications = 0;
  // Called when the device's line is asserted.
  std::function<void()> interrupt;

 protected:
  struct Queue {
    std::uint16_t size = 0;  // 0: not written, reads as the maximum
    std::uint64_t area[3] = {};
    bool enabled = false;
    unsigned resetting = 0;
    std::uint16_t vector = 0xffff;
  };

  ~RegisterModel() = default;

  void require(bool kept, const char* rule) {
    if (!kept) broken_rules.emplace_back(rule);
  }

  std::uint32_t offered_half(std::uint32_t half) {
    return half < 2 ? static_cast<std::uint32_t>(device_.offered() >> (32 * half)) : 0;
  }
  void accept_half(std::uint32_t half, std::uint32_t bits) {
    if (half > 1) return;
    const Features others = accepted_ & (half == 0 ? ~Features{0xffff'ffff} : Features{0xffff'ffff});
    accepted_ = others | Features{bits} << (32 * half);
    device_.accept(accepted_);
  }
  bool has(Features bits) const { return (accepted_ & bits) == bits; }

  std::uint8_t read_status() {
    const std::uint8_t status = device_.status();
    if (status == 0) reset_seen_ = true;
    return status;
  }
  void write_status(std::uint8_t status) {
    require(status == 0 || reset_seen_, "waits for the status to read 0 after a reset");
    device_.set_status(status);
    if (status != 0) return;
    reset_seen_ = false;
    accepted_ = 0;
    causes_ = 0;
    queues_ = {};
  }

  Queue& selected() { return queues_[selected_ < kQueues ? selected_ : 0]; }
  std::uint16_t largest() {
    return selected_ < kQueues ? device_.max_queue_size(selected_) : std::uint16_t{0};
  }

  void set_size(std::uint32_t size) {
    require(!selected().enabled, "leaves an enabled queue's size alone");
    require(size != 0 && size <= largest(), "uses no more of a queue than there is");
    require(has(kFeatureRingPacked) || (size & (size - 1)) == 0, "makes a split queue a power of two");
    selected().size = static_cast<std::uint16_t>(size);
  }
  void set_area(std::size_t which, unsigned half, std::uint32_t value) {
    require(!selected().enabled, "leaves an enabled queue's addresses alone");
    std::uint64_t& area = selected().area[which];
    area = half == 0 ? (area & ~std::uint64_t{0xffff'ffff}) | value
                     : (area & 0xffff'ffff) | std::uint64_t{value} << 32;
  }
  void enable() {
    Queue& queue = selected();
    require(queue.size != 0 && queue.area[0] != 0, "sets a queue up before it enables it");
    const detail::QueueAddresses at{queue.size, {queue.area[0]}, {queue.area[1]}, {queue.area[2]}};
    queue.enabled = device_.start_queue(selected_, at) == Status::Ok;
    queue.resetting = 0;
  }
  void reset_selected() {
    require(has(kFeatureRingReset), "resets a queue only where that was negotiated");
    const unsigned looks = slow_reset;
    if (device_.reset_queue(selected_) != Status::Ok) return;
    selected() = {};
    selected().resetting = looks;
  }
  std::uint32_t read_resetting() {
    if (selected().resetting == 0) return 0;
    --selected().resetting;
    return 1;
  }

  void notified(std::uint32_t queue) {
    ++notifications;
    require((device_.status() & kStatusDriverOk) != 0, "sends no notification before DRIVER_OK");
    require(queue < kQueues && queues_[queue].enabled, "notifies of queues that are enabled");
    device_.notify(static_cast<std::uint16_t>(queue));
  }

  void assert_line(std::uint8_t cause) {
    causes_ |= cause;
    if (interrupt) interrupt();
  }

  Transport& device_;
  std::array<Queue, kQueues> queues_{};
  std::uint16_t selected_ = 0;
  Features accepted_ = 0;
  std::uint8_t causes_ = 0;

 private:
  bool reset_seen_ = true;
};

}  // namespace fallow
