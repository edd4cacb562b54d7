#include "fallow/virtio/transport/mmio_transport.h"

#include "fallow/platform/detail/poll_timeout.h"

namespace fallow {
namespace {

// 4.2.2: offsets of the registers.
constexpr std::uint64_t kMagic = 0x000, kVersion = 0x004, kDeviceId = 0x008, kDeviceFeatures = 0x010,
                        kDeviceFeaturesSel = 0x014, kDriverFeatures = 0x020, kDriverFeaturesSel = 0x024,
                        kQueueSel = 0x030, kQueueNumMax = 0x034, kQueueNum = 0x038, kQueueReady = 0x044,
                        kQueueNotify = 0x050, kInterruptStatus = 0x060, kInterruptAck = 0x064,
                        kStatus = 0x070, kQueueDesc = 0x080, kQueueDriver = 0x090, kQueueDevice = 0x0a0,
                        kQueueReset = 0x0c0, kConfigGeneration = 0x0fc, kConfig = 0x100;
constexpr std::uint32_t kMagicValue = 0x74726976, kModern = 2, kOld = 1;

// The register has 32 bits, but a queue has at most 32768 entries.
constexpr std::uint32_t kLargestQueue = 0x8000;

std::uint32_t read(const RegisterWindow& at, std::uint64_t offset) noexcept {
  return at.read<std::uint32_t>(offset);
}
void write(const RegisterWindow& at, std::uint64_t offset, std::uint32_t value) noexcept {
  at.write(offset, value);
}

}  // namespace

// 4.2.3.1.1.
detail::Unusable MmioTransport::open() noexcept {
  if (!at_.holds(0, kConfig)) return detail::Unusable::WindowTooSmall;
  if (read(at_, kMagic) != kMagicValue) return detail::Unusable::NotVirtio;
  const std::uint32_t version = read(at_, kVersion);
  if (version == kOld)
    return read(at_, kDeviceId) == detail::kDeviceNone ? detail::Unusable::Empty : detail::Unusable::Legacy;
  if (version != kModern) return detail::Unusable::UnknownVersion;
  type_ = read(at_, kDeviceId);
  if (type_ == detail::kDeviceNone) return detail::Unusable::Empty;
  return reset() ? detail::Unusable::No : detail::Unusable::DoesNotReset;
}

// ---- Interrupts. ----

// Acknowledged before the driver checks the queues, so that a later event interrupts again.
std::uint8_t MmioTransport::acknowledge() noexcept {
  const std::uint32_t causes = read(at_, kInterruptStatus) & (detail::kCauseQueues | detail::kCauseConfig);
  if (causes != 0) write(at_, kInterruptAck, causes);
  return static_cast<std::uint8_t>(causes);
}

// ---- Registers. ----

Features MmioTransport::offered() noexcept {
  const detail::SpinLock::Held held(lock_, port_);
  Features features = 0;
  for (std::uint32_t half = 0; half < 2; ++half) {
    write(at_, kDeviceFeaturesSel, half);
    features |= Features{read(at_, kDeviceFeatures)} << (32 * half);
  }
  return features;
}

void MmioTransport::accept(Features features) noexcept {
  const detail::SpinLock::Held held(lock_, port_);
  accepted_ = features;
  for (std::uint32_t half = 0; half < 2; ++half) {
    write(at_, kDriverFeaturesSel, half);
    write(at_, kDriverFeatures, static_cast<std::uint32_t>(features >> (32 * half)));
  }
}

// A value with more bits than a status is invalid, and is not the 0 that ends a reset.
std::uint8_t MmioTransport::status() noexcept {
  const std::uint32_t status = read(at_, kStatus);
  return static_cast<std::uint8_t>(status <= 0xff ? status : 0xff);
}

void MmioTransport::set_status(std::uint8_t status) noexcept {
  if (status == 0) {
    const detail::SpinLock::Held held(lock_, port_);
    forget();
  }
  write(at_, kStatus, status);
}

std::uint32_t MmioTransport::config_generation() noexcept { return read(at_, kConfigGeneration); }

void MmioTransport::read_config(std::uint32_t offset, std::span<std::byte> into) noexcept {
  at_.read_bytes(kConfig + offset, into);
}

void MmioTransport::write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept {
  at_.write_bytes(kConfig + offset, from);
}

// ---- Queues. ----

std::uint16_t MmioTransport::max_queue_size(std::uint16_t queue) noexcept {
  if (queue >= kMaxQueues) return 0;
  const detail::SpinLock::Held held(lock_, port_);
  write(at_, kQueueSel, queue);
  const std::uint32_t most = read(at_, kQueueNumMax);
  return static_cast<std::uint16_t>(most < kLargestQueue ? most : kLargestQueue);
}

Status MmioTransport::start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept {
  if (queue >= kMaxQueues) return Status::Failed;
  const detail::SpinLock::Held held(lock_, port_);
  write(at_, kQueueSel, queue);
  if (read(at_, kQueueReady) != 0) return Status::Failed;
  if (addresses.size == 0 || addresses.size > read(at_, kQueueNumMax)) return Status::Failed;
  write(at_, kQueueNum, addresses.size);
  at_.write64(kQueueDesc, addresses.descriptors.raw);
  at_.write64(kQueueDriver, addresses.driver_area.raw);
  at_.write64(kQueueDevice, addresses.device_area.raw);
  write(at_, kQueueReady, 1);
  if (read(at_, kQueueReady) != 1) return Status::Failed;
  started_.fetch_or(std::uint32_t{1} << queue, std::memory_order_relaxed);
  return Status::Ok;
}

Status MmioTransport::reset_queue(std::uint16_t queue) noexcept {
  if (queue >= kMaxQueues) return Status::Failed;
  const auto look = [&](std::uint64_t field) {
    const detail::SpinLock::Held held(lock_, port_);
    write(at_, kQueueSel, queue);
    return read(at_, field);
  };
  {
    const detail::SpinLock::Held held(lock_, port_);
    if ((accepted_ & kFeatureRingReset) == 0) return Status::Failed;
    started_.fetch_and(~(std::uint32_t{1} << queue), std::memory_order_relaxed);
    write(at_, kQueueSel, queue);
    write(at_, kQueueReset, 1);
  }
  detail::PollTimeout patience(port_);
  while (look(kQueueReset) != 0) {
    if (!patience.wait()) return Status::Failed;
  }
  return look(kQueueReady) == 0 ? Status::Ok : Status::Failed;
}

void MmioTransport::notify(std::uint16_t queue) noexcept {
  if (queue >= kMaxQueues) return;
  if ((started_.load(std::memory_order_relaxed) >> queue & 1) != 0) write(at_, kQueueNotify, queue);
}

}  // namespace fallow
