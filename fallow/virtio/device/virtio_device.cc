#include "fallow/virtio/device/virtio_device.h"

#include "fallow/base/check.h"

namespace fallow {
namespace {

void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept {
  counter.fetch_add(n, std::memory_order_relaxed);
}

// 2.1: each step of the handshake and the step that it follows.
struct Step {
  std::uint8_t bit, after;
};
constexpr Step kSteps[] = {{kStatusAcknowledge, 0},
                           {kStatusDriver, kStatusAcknowledge},
                           {kStatusFeaturesOk, kStatusDriver},
                           {kStatusDriverOk, kStatusFeaturesOk}};

}  // namespace

VirtioDevice::VirtioDevice(const GuestMemory& memory, DriverNotifier& notifier, Features offered,
                           std::uint16_t queue_count, std::uint16_t max_queue_size,
                           std::span<detail::QueueBuffer> rooms) noexcept
    : memory_(&memory),
      notifier_(notifier),
      offered_(offered),
      queue_count_(queue_count),
      max_queue_size_(max_queue_size),
      rooms_(rooms) {
  FALLOW_REQUIRE(
      queue_count <= kMaxQueues,
      "VirtioDevice(): more than VirtioDevice::kMaxQueues queues; raise the constant or use fewer");
  FALLOW_REQUIRE(rooms.size() >= std::size_t{queue_count} * max_queue_size,
                 "VirtioDevice(): `rooms` is too small; give queue_count * max_queue_size buffers");
}

void VirtioDevice::accept(Features features) noexcept {
  if ((status() & kStatusFeaturesOk) != 0) {
    count(bad_features_);
    return;
  }
  accepted_ = features;
}

void VirtioDevice::set_status(std::uint8_t wanted) noexcept {
  if (wanted == 0) {
    reset();
    return;
  }
  status_.store(in_order(wanted), std::memory_order_relaxed);
}

// Returns the status after the driver wrote `wanted`. The status only gains bits, each after its predecessor
// (2.1.1).
std::uint8_t VirtioDevice::in_order(std::uint8_t wanted) noexcept {
  constexpr unsigned kOurs = kStatusNeedsReset;  // set by the device only; the driver's value is ignored
  const unsigned before = status();
  unsigned now = before;
  bool orderly = (before & ~kOurs & ~unsigned{wanted}) == 0;
  for (const Step step : kSteps) {
    if ((wanted & step.bit) == 0 || (now & step.bit) != 0) continue;
    if (step.after != 0 && (now & step.after) == 0) {
      orderly = false;
    } else if (step.bit != kStatusFeaturesOk || features_stick()) {
      now |= step.bit;
    } else {
      break;  // later bits are not out of order: the driver has not seen the refusal of its features yet
    }
  }
  now |= wanted & kStatusFailed;
  constexpr unsigned kKnown =
      kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk | kStatusFailed | kOurs;
  if (!orderly || (wanted & ~kKnown) != 0) count(bad_status_);
  return static_cast<std::uint8_t>(now);
}

bool VirtioDevice::features_stick() noexcept {
  const bool good = (accepted_ & ~offered_) == 0 && has(kFeatureVersion1) && acceptable(accepted_);
  if (!good) count(bad_features_);
  return good;
}

void VirtioDevice::reset() noexcept {
  status_.store(0, std::memory_order_relaxed);
  for (std::uint16_t queue = 0; queue < queue_count_; ++queue) {
    static_cast<void>(stop_queue(queue));
  }
  accepted_ = 0;
  device_reset();
}

void VirtioDevice::read_config(std::uint32_t offset, std::span<std::byte> into) noexcept {
  const std::uint32_t size = config_size();
  const std::size_t there = offset < size ? size - offset : 0;
  const std::size_t inside = there < into.size() ? there : into.size();
  if (inside != 0) read_config_field(offset, into.first(inside));
  for (std::byte& beyond : into.subspan(inside)) beyond = std::byte{0};
  if (inside != into.size()) count(bad_config_);
}

void VirtioDevice::write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept {
  const std::uint32_t size = config_size();
  const bool inside = !from.empty() && offset < size && from.size() <= size - offset;
  if (!inside || !write_config_field(offset, from)) count(bad_config_);
}

void VirtioDevice::change_config() noexcept {
  // Pairs with the acquire in config_generation(): a thread that reads the new number reads the new fields.
  generation_.fetch_add(1, std::memory_order_release);
  if (driver_ok()) notifier_.config_changed();
}

void VirtioDevice::ask_for_reset() noexcept {
  const std::uint8_t before = status();
  if ((before & kStatusNeedsReset) != 0) return;
  status_.store(before | kStatusNeedsReset, std::memory_order_relaxed);
  if ((before & kStatusDriverOk) != 0) notifier_.config_changed();  // 2.1.2
}

Status VirtioDevice::start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses,
                                 QueuePosition position) noexcept {
  const bool there = (status() & kStatusFeaturesOk) != 0 && queue < queue_count_ && has_queue(queue);
  Status status = Status::InvalidArgument;
  if (there && started(queue)) {
    status = Status::Busy;
  } else if (there && addresses.size <= max_queue_size_) {
    const detail::RingOptions options{has(kFeatureRingPacked), has(kFeatureEventIdx),
                                      has(kFeatureIndirectDesc)};
    Queue& slot = queues_[queue];
    DeviceQueue& ring = options.packed ? static_cast<DeviceQueue&>(slot.packed) : slot.split;
    status = ring.start(*memory_, addresses, options, position, room(queue));
    if (status == Status::Ok) {
      slot.active = &ring;
      queue_started(queue);
    }
  }
  if (status != Status::Ok) count(bad_queues_);
  return status;
}

QueuePosition VirtioDevice::stop_queue(std::uint16_t queue) noexcept {
  if (!started(queue)) return QueuePosition::fresh(has(kFeatureRingPacked));
  const QueuePosition position = queues_[queue].active->position();
  queues_[queue].active = nullptr;
  queue_stopped(queue);
  return position;
}

bool VirtioDevice::process(std::uint16_t queue, std::uint32_t budget) noexcept {
  if (!started(queue)) {
    count(bad_kicks_);
    return false;
  }
  if (!driver_ok()) return false;
  DeviceQueue& ring = *queues_[queue].active;
  static_cast<void>(ring.ask_for_kicks(false));
  bool used = false, more = true;
  for (; more && budget > 0; --budget) more = take(queue, ring, used);
  if (used && started(queue) && ring.take_notification()) notifier_.queue_used(queue);
  return more;
}

// Does one step of serving: takes a chain, or checks that none is left. Returns false when no work is left.
bool VirtioDevice::take(std::uint16_t queue, DeviceQueue& ring, bool& used) noexcept {
  Chain chain;
  switch (ring.pop(chain)) {
    case Popped::Chain: {
      count(chains_);
      count(descriptors_, chain.buffers.size());
      if (journal_ != nullptr) journal_->taken(queue, chain, ring.position());
      std::uint32_t written = 0;
      const bool returns = serve(queue, chain, written);
      if (!started(queue)) return false;  // the queue was stopped meanwhile, and its memory may be reused
      if (returns) {
        push(queue, ring, chain.id, chain.slots, written);
        used = true;
      } else if (journal_ != nullptr) {
        journal_->kept(queue, chain.id, chain.slots);
      }
      return driver_ok();
    }
    case Popped::Nothing:
      if (!ring.ask_for_kicks(true)) return false;
      static_cast<void>(ring.ask_for_kicks(false));
      return true;
    case Popped::Broken:
      break;
  }
  ring_broken(ring.fault());
  return false;
}

void VirtioDevice::push(std::uint16_t queue, DeviceQueue& ring, std::uint16_t id, std::uint16_t slots,
                        std::uint32_t written) noexcept {
  if (journal_ != nullptr) journal_->returning(queue, id, slots);
  ring.push(id, slots, written);
  if (journal_ != nullptr) journal_->returned(queue, id, ring.position());
}

void VirtioDevice::ring_broken(RingFault fault) noexcept {
  count(bad_rings_);
  last_ring_fault_.store(fault, std::memory_order_relaxed);
  ask_for_reset();
}

void VirtioDevice::give_back(std::uint16_t queue, std::uint16_t id, std::uint16_t slots,
                             std::uint32_t written) noexcept {
  if (!started(queue) || !driver_ok()) return;
  DeviceQueue& ring = *queues_[queue].active;
  push(queue, ring, id, slots, written);
  if (ring.take_notification()) notifier_.queue_used(queue);
}

DriverMistakes VirtioDevice::mistakes() const noexcept {
  const auto read = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  return {.status = read(bad_status_),
          .features = read(bad_features_),
          .config = read(bad_config_),
          .queues = read(bad_queues_),
          .kicks = read(bad_kicks_),
          .rings = read(bad_rings_),
          .last_ring_fault = read(last_ring_fault_)};
}

}  // namespace fallow
