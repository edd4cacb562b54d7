// What a device told its driver and the driver has yet to hear.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/platform/port.h"
#include "fallow/virtio/transport/transport.h"

namespace fallow::detail {

// Any thread, unless it says otherwise.
class PendingNotifications {
 public:
  // The last bit of a mask of queues also stands for every queue beyond it, which no device has.
  static constexpr unsigned kQueueBits = 32;
  static constexpr std::uint64_t kConfig = std::uint64_t{1} << kQueueBits;
  static constexpr std::uint64_t of(std::uint16_t queue) noexcept {
    return std::uint64_t{1} << (queue < kQueueBits ? queue : kQueueBits - 1);
  }

  // Not heard of before the next pass_on().
  void add(std::uint64_t news) noexcept {
    // seq_cst: MO-17, the news is there before running_ is looked at; and release, what the device used comes
    // with it.
    news_.fetch_or(news, std::memory_order_seq_cst);
  }
  void forget() noexcept { news_.store(0, std::memory_order_relaxed); }
  // seq_cst: MO-17, the caller has given up running_ before this load.
  bool any() const noexcept { return news_.load(std::memory_order_seq_cst) != 0; }

  // Makes the calls for all that was added. While somebody else, or this thread further up its stack, is at
  // it, that one makes them.
  void pass_on() noexcept;

  // Whom to call from now on; null: nobody. No call is under way when it returns: not from within one.
  void set_calls(Port& port, DeviceCalls* calls) noexcept;

 private:
  std::atomic<std::uint64_t> news_{0};  // queues, and kConfig
  std::atomic<bool> running_{false};
  DeviceCalls* calls_ = nullptr;  // only who set running_ touches it
};

}  // namespace fallow::detail
