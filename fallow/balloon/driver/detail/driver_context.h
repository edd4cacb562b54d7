// The state that the parts of a balloon driver share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/detail/little_endian.h"
#include "fallow/platform/detail/poll_timeout.h"
#include "fallow/platform/port.h"
#include "fallow/virtio/transport/transport.h"

namespace fallow::detail {

// The counters order nothing; all accesses are relaxed.
class DriverCount {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct DriverCounts {
  DriverCount probes, resets, requests, descriptors, kicks, ring_faults, wrong_lengths, abandoned, inflated;
  DriverCount acknowledged;  // chains that the device returned
};

// Called by any thread.
class DriverContext {
 public:
  DriverContext(Port& port, Transport& transport) noexcept : port_(port), transport_(transport) {}

  Port& port() noexcept { return port_; }
  Transport& transport() noexcept { return transport_; }

  // The device broke a rule or asks for a reset; work() handles both. relaxed: wake() orders the store.
  void give_up_on_device() noexcept {
    broken_.store(true, std::memory_order_relaxed);
    wake();
  }
  bool broken() const noexcept { return broken_.load(std::memory_order_relaxed); }
  void set_broken(bool on) noexcept { broken_.store(on, std::memory_order_relaxed); }
  void wake() noexcept { port_.wake_at(port_.now()); }

  // 2.5.1: returns a field that did not change during the read; after a few attempts, the value read last.
  std::uint32_t read_config(std::uint32_t offset) noexcept {
    constexpr int kTries = 8;
    std::uint32_t value = 0;
    for (int i = 0; i < kTries; ++i) {
      const std::uint32_t before = transport_.config_generation();
      transport_.read_config(offset, std::as_writable_bytes(std::span(&value, 1)));
      if (transport_.config_generation() == before) break;
    }
    return little_endian(value);
  }
  void write_config(std::uint32_t offset, std::uint32_t value) noexcept {
    const std::uint32_t raw = little_endian(value);
    transport_.write_config(offset, std::as_bytes(std::span(&raw, 1)));
  }

  DriverCounts counts;

 private:
  Port& port_;
  Transport& transport_;
  std::atomic<bool> broken_{false};
};

}  // namespace fallow::detail
