#include "fallow/virtio/transport/in_process_transport.h"

#include <bit>

#include "fallow/base/check.h"

namespace fallow {

InProcessTransport::Section::Section(InProcessTransport& transport) noexcept : transport_(transport) {
  FALLOW_REQUIRE(transport_.device_ != nullptr,
                 "InProcessTransport: there is no device; call attach() before any other function");
  const std::uintptr_t self = transport_.port_.current();
  // relaxed: other threads only compare the value with their own identity, and never match.
  FALLOW_REQUIRE(
      transport_.inside_.load(std::memory_order_relaxed) != self,
      "InProcessTransport: called from within the device, which would wait for itself; call it once the "
      "device has returned");
  transport_.device_lock_.lock(transport_.port_);
  transport_.inside_.store(self, std::memory_order_relaxed);
}

InProcessTransport::Section::~Section() {
  const bool owed = transport_.owed_;
  transport_.owed_ = false;
  transport_.inside_.store(0, std::memory_order_relaxed);
  transport_.device_lock_.unlock();
  if (owed) transport_.ring_driver();
}

// ---- Driver to device. ----

void InProcessTransport::notify(std::uint16_t queue) noexcept {
  to_device_count_.fetch_add(1, std::memory_order_relaxed);
  // seq_cst: MO-16, the kick is stored before device_runs_ is read; and release, so that the available chains
  // are visible with the kick.
  kicks_.fetch_or(detail::PendingNotifications::of(queue), std::memory_order_seq_cst);
  if (to_device_) {
    to_device_();
  } else {
    run_device();
  }
}

// MO-16: a thread that finds device_runs_ set leaves its kick. The thread that runs the device clears
// device_runs_ and then checks kicks_ again.
void InProcessTransport::run_device() noexcept {
  while (kicks_.load(std::memory_order_seq_cst) != 0) {
    if (device_runs_.exchange(true, std::memory_order_seq_cst)) return;
    for (unsigned turn = 0; serve_one(turn);) {
    }
    device_runs_.store(false, std::memory_order_seq_cst);
  }
}

// Serves the kicked queues in turn. Returns false if none is kicked.
bool InProcessTransport::serve_one(unsigned& turn) noexcept {
  const Section section(*this);
  const auto kicks = static_cast<std::uint32_t>(kicks_.load(std::memory_order_relaxed));
  if (kicks == 0) return false;
  turn = (turn + static_cast<unsigned>(std::countr_zero(std::rotr(kicks, static_cast<int>(turn))))) %
         detail::PendingNotifications::kQueueBits;
  const auto queue = static_cast<std::uint16_t>(turn);
  turn = (turn + 1) % detail::PendingNotifications::kQueueBits;
  // acquire: MO-16, chains made available before the kick are seen.
  kicks_.fetch_and(~detail::PendingNotifications::of(queue), std::memory_order_acquire);
  if (device_->process(queue, kBudget))
    kicks_.fetch_or(detail::PendingNotifications::of(queue), std::memory_order_relaxed);
  return true;
}

// ---- Device to driver. ----

void InProcessTransport::queue_used(std::uint16_t queue) noexcept {
  tell_driver(detail::PendingNotifications::of(queue));
}
void InProcessTransport::config_changed() noexcept { tell_driver(detail::PendingNotifications::kConfig); }

void InProcessTransport::tell_driver(std::uint64_t news) noexcept {
  to_driver_count_.fetch_add(1, std::memory_order_relaxed);
  news_.add(news);
  if (inside_.load(std::memory_order_relaxed) == port_.current()) {
    owed_ = true;
  } else {
    ring_driver();
  }
}

void InProcessTransport::ring_driver() noexcept {
  if (to_driver_) {
    to_driver_();
  } else {
    run_driver();
  }
}

void InProcessTransport::set_calls(DeviceCalls* calls) noexcept {
  news_.set_calls(port_, calls);
  if (news_.any()) ring_driver();  // MO-17: a notification may have arrived meanwhile
}

// ---- Registers. ----

Features InProcessTransport::offered() noexcept {
  const Section section(*this);
  return device_->offered();
}

void InProcessTransport::accept(Features features) noexcept {
  const Section section(*this);
  device_->accept(features);
}

std::uint8_t InProcessTransport::status() noexcept {
  const Section section(*this);
  return device_->status();
}

void InProcessTransport::set_status(std::uint8_t status) noexcept {
  const Section section(*this);
  device_->set_status(status);
  if (status != 0) return;
  // Kicks from before the reset are void, and the device must not notify (2.4.1).
  kicks_.store(0, std::memory_order_relaxed);
  news_.forget();
}

std::uint32_t InProcessTransport::config_generation() noexcept {
  const Section section(*this);
  return device_->config_generation();
}

void InProcessTransport::read_config(std::uint32_t offset, std::span<std::byte> into) noexcept {
  const Section section(*this);
  device_->read_config(offset, into);
}

void InProcessTransport::write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept {
  const Section section(*this);
  device_->write_config(offset, from);
}

std::uint16_t InProcessTransport::max_queue_size(std::uint16_t queue) noexcept {
  const Section section(*this);
  return queue < device_->queue_count() ? device_->max_queue_size() : std::uint16_t{0};
}

Status InProcessTransport::start_queue(std::uint16_t queue,
                                       const detail::QueueAddresses& addresses) noexcept {
  const Section section(*this);
  return device_->start_queue(queue, addresses) == Status::Ok ? Status::Ok : Status::Failed;
}

Status InProcessTransport::reset_queue(std::uint16_t queue) noexcept {
  const Section section(*this);
  if (!device_->has(kFeatureRingReset)) return Status::Failed;
  device_->stop_queue(queue);
  kicks_.fetch_and(~detail::PendingNotifications::of(queue), std::memory_order_relaxed);
  return Status::Ok;
}

InProcessCounts InProcessTransport::counts() const noexcept {
  return {to_device_count_.load(std::memory_order_relaxed), to_driver_count_.load(std::memory_order_relaxed)};
}

}  // namespace fallow
