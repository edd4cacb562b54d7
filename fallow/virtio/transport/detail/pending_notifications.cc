#include "fallow/virtio/transport/detail/pending_notifications.h"

#include <bit>

namespace fallow::detail {
namespace {

void tell(std::uint64_t news, DeviceCalls& calls) noexcept {
  if ((news & PendingNotifications::kConfig) != 0) calls.config_changed();
  for (auto queues = static_cast<std::uint32_t>(news); queues != 0; queues &= queues - 1)
    calls.queue_used(static_cast<std::uint16_t>(std::countr_zero(queues)));
}

}  // namespace

void PendingNotifications::pass_on() noexcept {
  // seq_cst: MO-17, the load comes after running_ was cleared below. Either the load sees a notification that
  // another thread added, or the other thread finds running_ false.
  while (news_.load(std::memory_order_seq_cst) != 0) {
    // seq_cst: MO-17, the exchange comes after this thread added its own notifications; and acquire, so that
    // calls_ is seen as set_calls() left it.
    if (running_.exchange(true, std::memory_order_seq_cst)) return;
    // acquire: MO-17, chains used before the notification are seen.
    while (const std::uint64_t news = news_.exchange(0, std::memory_order_acquire)) {
      if (calls_ != nullptr) tell(news, *calls_);
    }
    // seq_cst: MO-17, before the next load of news_; and release, so that set_calls() sees the calls
    // finished.
    running_.store(false, std::memory_order_seq_cst);
  }
}

void PendingNotifications::set_calls(Port& port, DeviceCalls* calls) noexcept {
  // acquire would suffice: the exchange pairs with the release in pass_on(), so a running call has finished
  // and its effects are visible.
  while (running_.exchange(true, std::memory_order_seq_cst)) port.relax();
  calls_ = calls;
  // seq_cst: MO-17, before the caller checks any(); and release, so that pass_on() sees calls_.
  running_.store(false, std::memory_order_seq_cst);
}

}  // namespace fallow::detail
