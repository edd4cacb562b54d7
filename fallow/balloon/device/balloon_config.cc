// The configuration space of the balloon device (virtio 1.2, 5.5.4), and the fields that the host sets.
#include "fallow/balloon/device/balloon_device.h"
#include "fallow/base/detail/little_endian.h"

namespace fallow {
namespace {

constexpr std::uint32_t kField = 4;

// Returns whether a write stays inside one field.
bool within(std::uint32_t offset, std::size_t length, std::uint32_t field) {
  return offset >= field && offset - field < kField && length <= kField - (offset - field);
}

std::uint32_t merged(std::uint32_t value, std::uint32_t at, std::span<const std::byte> from) {
  value = detail::little_endian(value);
  __builtin_memcpy(reinterpret_cast<std::byte*>(&value) + at, from.data(), from.size());
  return detail::little_endian(value);
}

}  // namespace

void BalloonDevice::read_config_field(std::uint32_t offset, std::span<std::byte> into) noexcept {
  // A field whose feature was not accepted does not exist, and reads as 0.
  const std::uint32_t fields[] = {
      num_pages_.load(std::memory_order_relaxed), actual_.load(std::memory_order_relaxed),
      has(kBalloonFreePageHint) ? hint_command_ : 0, has(kBalloonPagePoison) ? poison() : 0};
  std::uint32_t space[kBalloonConfigSize / kField];
  for (std::size_t i = 0; i < kBalloonConfigSize / kField; ++i) space[i] = detail::little_endian(fields[i]);
  __builtin_memcpy(into.data(), reinterpret_cast<const std::byte*>(space) + offset, into.size());
}

bool BalloonDevice::write_config_field(std::uint32_t offset, std::span<const std::byte> from) noexcept {
  if (within(offset, from.size(), kBalloonActual)) {
    const std::uint32_t before = actual_.load(std::memory_order_relaxed);
    actual_.store(merged(before, offset - kBalloonActual, from), std::memory_order_relaxed);
    // A driver that writes byte by byte completes the value with the last byte (5.5.6, legacy interface).
    const bool last = offset + from.size() == kBalloonActual + kField;
    if (last && observer_ != nullptr) observer_->actual_changed();
    return true;
  }
  if (within(offset, from.size(), kBalloonPoisonVal) && has(kBalloonPagePoison)) {
    poison_.store(merged(poison(), offset - kBalloonPoisonVal, from), std::memory_order_relaxed);
    return !driver_ok();  // 5.5.6.6: must not change after DRIVER_OK; the next request uses the new value
  }
  return false;
}

void BalloonDevice::set_target(PfnCount frames) noexcept {
  constexpr std::uint32_t kMost = ~std::uint32_t{0};
  const std::uint32_t target = frames.raw < kMost ? static_cast<std::uint32_t>(frames.raw) : kMost;
  if (target == num_pages_.load(std::memory_order_relaxed)) return;
  num_pages_.store(target, std::memory_order_relaxed);
  change_config();
}

}  // namespace fallow
