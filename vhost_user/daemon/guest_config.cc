// The configuration space of a guest's balloon, as front-ends read and write it.
#include <algorithm>
#include <cstring>

#include "fallow/base/detail/little_endian.h"
#include "vhost_user/daemon/guest_device.h"

namespace fallow::vhost {
namespace {

constexpr std::uint32_t kField = 4;  // bytes

// The part of a read or write that lies in a field.
struct Part {
  std::uint32_t at = 0;   // offset in the field
  std::size_t from = 0;   // offset in the read or write
  std::size_t count = 0;  // bytes; 0: none
};

Part part_of(std::uint32_t offset, std::size_t size, std::uint32_t field) noexcept {
  const std::uint64_t begin = std::max(offset, field);
  const std::uint64_t end = std::min<std::uint64_t>(offset + std::uint64_t{size}, field + kField);
  if (begin >= end) return {};
  return {static_cast<std::uint32_t>(begin - field), static_cast<std::size_t>(begin - offset),
          static_cast<std::size_t>(end - begin)};
}

std::string where(std::uint32_t offset, std::size_t size) {
  return std::to_string(size) + (size == 1 ? " byte at " : " bytes at ") + std::to_string(offset);
}

}  // namespace

// Bytes beyond the end read as 0, because the reply must be as long as the request.
Status GuestDevice::read_config(std::uint32_t offset, std::span<std::byte> into) noexcept {
  if (offset >= kBalloonConfigSize) {
    return refuse(where(offset, into.size()) + " lie outside the configuration of " +
                  std::to_string(kBalloonConfigSize) + " bytes");
  }
  const std::size_t there = std::min<std::size_t>(into.size(), kBalloonConfigSize - offset);
  std::fill(into.begin() + static_cast<std::ptrdiff_t>(there), into.end(), std::byte{0});
  device_->read_config(offset, into.first(there));
  // A front-end may write back what it reads here, so it reads the value that was written for a driver that
  // has yet to begin.
  const Part poison = part_of(offset, there, kBalloonPoisonVal);
  if (poison.count != 0 && !any_started() && (offered() & kBalloonPagePoison) != 0) {
    const std::uint32_t value = detail::little_endian(record_.poison.value);
    std::memcpy(into.data() + poison.from, reinterpret_cast<const std::byte*>(&value) + poison.at,
                poison.count);
  }
  return Status::Ok;
}

// Some front-ends write the whole space whichever field the driver wrote: only the fields that the driver may
// write are used.
Status GuestDevice::write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept {
  if (offset > kBalloonConfigSize || from.size() > kBalloonConfigSize - offset) {
    return refuse(where(offset, from.size()) + " exceed the configuration of " +
                  std::to_string(kBalloonConfigSize) + " bytes; configure the front-end for that size");
  }
  const Part actual = part_of(offset, from.size(), kBalloonActual);
  Part poison = part_of(offset, from.size(), kBalloonPoisonVal);
  if ((offered() & kBalloonPagePoison) == 0) poison.count = 0;
  if (actual.count == 0 && poison.count == 0) {
    return refuse(where(offset, from.size()) +
                  " contain no field that the driver may write: `actual` (4 bytes at 4)" +
                  ((offered() & kBalloonPagePoison) != 0 ? " or `poison_val` (4 bytes at 12)" : ""));
  }
  if (actual.count != 0)
    device_->write_config(kBalloonActual + actual.at, from.subspan(actual.from, actual.count));
  if (poison.count != 0)
    write_poison(poison.at, from.subspan(poison.from, poison.count), poison.count != from.size());
  return Status::Ok;
}

// DEV-4. The driver may write the value only until its initialisation is complete (5.5.6.6.1), but vhost-user
// does not report that moment: Linux writes the value before or after its rings start, depending on the
// transport. A write wider than the field is the driver's own only while no ring runs. Later the driver
// writes `actual`, and the front-end repeats the value that it last read here.
void GuestDevice::write_poison(std::uint32_t at, std::span<const std::byte> from, bool wide) noexcept {
  PoisonRecord& poison = record_.poison;
  std::uint32_t value = detail::little_endian(poison.value);
  std::memcpy(reinterpret_cast<std::byte*>(&value) + at, from.data(), from.size());
  value = detail::little_endian(value);
  const auto bytes = static_cast<std::uint8_t>(((1U << from.size()) - 1U) << at);
  const bool running = any_started();
  if (running && wide) {
    if (value == poison.value && poison.known == PoisonRecord::kAll) return;
    if (value == 0) {
      poison.known = poison.fresh = 0;
      apply_poison();
      return;
    }
  }
  poison.value = value;
  poison.known |= bytes;
  poison.fresh |= bytes;
  apply_poison();
}

// Updates the known bytes of the value when a driver begins, or continues with another process.
void GuestDevice::next_poison(bool same_driver) noexcept {
  if (!same_driver) record_.poison.known = record_.poison.fresh;
  apply_poison();
}

void GuestDevice::apply_poison() noexcept {
  if (!device_->has(kBalloonPagePoison)) return;
  // While the driver may be another one, only what it has certainly written itself counts.
  const std::uint8_t sure = same_driver_.open() ? record_.poison.fresh : record_.poison.known;
  device_->doubt_poison(sure != PoisonRecord::kAll);
  if (device_->poison() != record_.poison.value) write_field(kBalloonPoisonVal, record_.poison.value);
}

void GuestDevice::write_field(std::uint32_t offset, std::uint32_t value) noexcept {
  value = detail::little_endian(value);
  device_->write_config(offset, std::as_bytes(std::span(&value, 1)));
}

}  // namespace fallow::vhost
