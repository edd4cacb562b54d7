// Notifications of a device that its driver has not received yet.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/platform/port.h"
#include "fallow/virtio/transport/transport.h"

namespace fallow::detail {

// Called by any thread unless a function says otherwise.
class PendingNotifications {
 public:
  // The last bit of a mask of queues also stands for all higher queues, which no device has.
  static constexpr unsigned kQueueBits = 32;
  static constexpr std::uint64_t kConfig = std::uint64_t{1} << kQueueBits;
  static constexpr std::uint64_t of(std::uint16_t queue) noexcept {
    return std::uint64_t{1} << (queue < kQueueBits ? queue : kQueueBits - 1);
  }

  // Adds notifications; pass_on() delivers them.
  void add(std::uint64_t news) noexcept {
    // seq_cst: MO-17, the notification is stored before running_ is read; and release, so that the used
    // chains are visible with the notification.
    news_.fetch_or(news, std::memory_order_seq_cst);
  }
  void forget() noexcept { news_.store(0, std::memory_order_relaxed); }
  // seq_cst: MO-17, the caller cleared running_ before this load.
  bool any() const noexcept { return news_.load(std::memory_order_seq_cst) != 0; }

  // Makes the calls for all added notifications. While another thread, or this thread further up its stack,
  // delivers, that delivery makes the calls.
  void pass_on() noexcept;

  // Sets the receiver of further calls; null: none. No call is running when the function returns. Must not be
  // called from within a call.
  void set_calls(Port& port, DeviceCalls* calls) noexcept;

 private:
  std::atomic<std::uint64_t> news_{0};  // a bit for each queue, and kConfig
  std::atomic<bool> running_{false};
  DeviceCalls* calls_ = nullptr;  // accessed only by the thread that set running_
};

}  // namespace fallow::detail
