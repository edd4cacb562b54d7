// Operations of drivers on a transport whose registers hold any value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fallow/base/check.h"
#include "fallow/virtio/transport/detail/interrupting_transport.h"
#include "fuzz/fuzz_input.h"

namespace fallow {

class TransportRun : public DeviceCalls {
 public:
  void queue_used(std::uint16_t queue) noexcept override {
    FALLOW_CHECK(queue < detail::InterruptingTransport::kMaxQueues);
    ++calls_;
    if (calls_ % 3 == 0) transport_->notify(queue);
  }
  void config_changed() noexcept override { ++calls_; }

 protected:
  explicit TransportRun(FuzzInput& in) : in_(in) {}
  ~TransportRun() = default;

  virtual void step() = 0;

  // Opens the transport and, if it is usable, performs steps until the input ends. No call follows.
  detail::Unusable run(detail::InterruptingTransport& transport) {
    transport_ = &transport;
    const detail::Unusable why = transport_->open();
    FALLOW_CHECK(describe(why) != nullptr);
    if (why != detail::Unusable::No) return why;
    FALLOW_CHECK(transport_->type() != detail::kDeviceNone);
    for (unsigned steps = 0; !in_.empty() && steps < 300; ++steps) step();
    transport_->set_calls(nullptr);
    const unsigned before = calls_;
    transport_->deliver(0xff);
    FALLOW_CHECK(calls_ == before);
    return why;
  }

  // The input of each step.
  bool start_queue(std::uint16_t queue) {
    const detail::QueueAddresses at{in_.u16(), {in_.u64()}, {in_.u64()}, {in_.u64()}};
    const bool started = transport_->start_queue(queue, at) == Status::Ok;
    FALLOW_CHECK(!started || (at.size != 0 && queue < detail::InterruptingTransport::kMaxQueues));
    return started;
  }
  void set_calls() { transport_->set_calls(in_.u8() % 4 != 0 ? this : nullptr); }
  void deliver() { transport_->deliver(in_.u8() % 2 != 0 ? transport_->acknowledge() : in_.u8()); }
  // Bytes from `end` on are outside the configuration.
  void read_config(std::uint32_t end) {
    std::byte bytes[64];
    std::memset(bytes, 0xcd, sizeof bytes);
    const std::uint32_t offset = in_.u32();
    const std::size_t length = in_.u8() % sizeof bytes;
    transport_->read_config(offset, {bytes, length});
    FALLOW_CHECK(bytes[length] == std::byte{0xcd});
    for (std::size_t i = 0; i < length && offset >= end; ++i) FALLOW_CHECK(bytes[i] == std::byte{0});
    static_cast<void>(transport_->config_generation());
  }
  void write_config() {
    const std::uint32_t offset = in_.u32();
    transport_->write_config(offset, std::as_bytes(in_.bytes(in_.u8() % 16)));
  }

  FuzzInput& in_;

 private:
  detail::InterruptingTransport* transport_ = nullptr;
  unsigned calls_ = 0;
};

}  // namespace fallow
