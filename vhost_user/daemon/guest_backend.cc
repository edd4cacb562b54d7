// The session's requests to a guest: each takes the lock, waits until the guest's thread is out of the
// device, and is passed on to GuestDevice.
#include <algorithm>

#include "vhost_user/daemon/balloon_guest.h"

namespace fallow::vhost {

std::uint32_t BalloonGuest::max_queues() const noexcept {
  // Drivers in use request all five queue numbers of the specification, whichever queues exist (5.5.2).
  return 5;
}

Status BalloonGuest::read_config(std::uint32_t offset, std::span<std::byte> into) noexcept {
  const Lock held = lock();
  return device_.read_config(offset, into);
}

Status BalloonGuest::write_config(std::uint32_t offset, std::span<const std::byte> from, bool) noexcept {
  const Lock held = lock();
  return device_.write_config(offset, from);
}

Status BalloonGuest::set_features(Features features) noexcept {
  const Lock held = lock();
  return quiet() ? device_.set_features(features) : Status::Pending;
}

Status BalloonGuest::set_memory(std::span<const MemoryRegion> regions) noexcept {
  const Lock held = lock();
  return quiet() ? device_.change_memory(regions) : Status::Pending;
}

Status BalloonGuest::add_region(const MemoryRegion& region) noexcept {
  std::vector<MemoryRegion> next = device_.regions();
  const auto same = [&](const MemoryRegion& r) { return r.at.guest_address == region.at.guest_address; };
  if (const auto known = std::find_if(next.begin(), next.end(), same); known != next.end()) {
    *known = region;  // a repeated call
  } else {
    next.push_back(region);
  }
  return set_memory(next);
}

Status BalloonGuest::remove_region(const MemoryRegion& region) noexcept {
  std::vector<MemoryRegion> next = device_.regions();
  std::erase_if(next, [&](const MemoryRegion& r) { return r.at.guest_address == region.at.guest_address; });
  return set_memory(next);
}

Status BalloonGuest::set_status(std::uint8_t status) noexcept {
  const Lock held = lock();
  return quiet() ? device_.set_status(status) : Status::Pending;
}

Status BalloonGuest::reset_device() noexcept {
  const Lock held = lock();
  return quiet() ? device_.reset_device() : Status::Pending;
}

Status BalloonGuest::get_inflight(InflightSettings& inflight) noexcept {
  return device_.get_inflight(inflight);
}

Status BalloonGuest::set_inflight(const InflightSettings& inflight) noexcept {
  const Lock held = lock();
  return quiet() ? device_.set_inflight(inflight) : Status::Pending;
}

Status BalloonGuest::start_ring(std::uint32_t vring, const Settings& settings) noexcept {
  const Lock held = lock();
  return quiet() ? device_.start_ring(vring, settings) : Status::Pending;
}

Status BalloonGuest::stop_ring(std::uint32_t vring, RingEnd why, std::uint32_t& base) noexcept {
  const Lock held = lock();
  const auto queue = static_cast<std::uint16_t>(vring);
  // Takes effect at once, whatever is under way.
  if (drops(why)) device_.drop_ring(queue, why);
  if (!quiet()) return Status::Pending;
  // Runs in one step, so that no request before the retry finds the ring half stopped.
  device_.stop_ring(queue, why);
  if (device_.work().notifies(queue)) {
    wanted_ = true;  // wake the session when they are notified
    device_.kicks().wake();
    return Status::Pending;
  }
  base = device_.forget_ring(queue);
  return Status::Ok;
}

// The driver of a disabled ring may free it as soon as the front-end has its answer.
Status BalloonGuest::enable_ring(std::uint32_t vring, bool on) noexcept {
  const Lock held = lock();
  if (!on && !quiet()) return Status::Pending;
  device_.enable_ring(static_cast<std::uint16_t>(vring), on);
  return Status::Ok;
}

// Serves earlier kicks first: later, the device would look for their chains in freed memory.
Status BalloonGuest::driver_may_leave() noexcept {
  const Lock held = lock();
  if (settling_ != Settling::Done) {
    if (settling_ == Settling::No) settling_ = Settling::Asked;
    wanted_ = false;
    device_.kicks().wake();
    return Status::Pending;
  }
  settling_ = Settling::No;
  record_.driver_leaving = 1;
  return Status::Ok;
}

Status BalloonGuest::replace_descriptors(std::uint32_t vring, const Vring& next) noexcept {
  const Lock held = lock();
  wanted_ = calling_;
  return calling_ ? Status::Pending : device_.replace_descriptors(vring, next);
}

}  // namespace fallow::vhost
