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
  // seq_cst: MO-17, the load comes after running_ was given up below. Either it sees the news that another
  // thread added, or that thread finds running_ false.
  while (news_.load(std::memory_order_seq_cst) != 0) {
    // seq_cst: MO-17, the exchange comes after this thread's own news were added; and acquire, calls_ is seen
    // as set_calls() left it.
    if (running_.exchange(true, std::memory_order_seq_cst)) return;
    // acquire: MO-17, what was used before the news is seen.
    while (const std::uint64_t news = news_.exchange(0, std::memory_order_acquire)) {
      if (calls_ != nullptr) tell(news, *calls_);
    }
    // seq_cst: MO-17, before the next look at news_; and release, the calls are over for set_calls().
    running_.store(false, std::memory_order_seq_cst);
  }
}

void PendingNotifications::set_calls(Port& port, DeviceCalls* calls) noexcept {
  // acquire would do: the exchange pairs with the release in pass_on(), so a call that was under way is over,
  // and what it did is seen.
  while (running_.exchange(true, std::memory_order_seq_cst)) port.relax();
  calls_ = calls;
  // seq_cst: MO-17, before the caller looks at any(); and release, pass_on() sees calls_.
  running_.store(false, std::memory_order_seq_cst);
}

}  // namespace fallow::detail
