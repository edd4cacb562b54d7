// The session's requests to a guest: features, memory, device status. Its configuration is in
// guest_config.cc, its rings in guest_rings.cc.
#include <algorithm>

#include "fallow/host/detail/system_error.h"
#include "vhost_user/daemon/balloon_guest.h"
#include "vhost_user/session/ordered_store.h"
#include "vhost_user/session/ring_areas.h"

namespace fallow::vhost {
namespace {

constexpr std::uint8_t kFound = kStatusAcknowledge | kStatusDriver;

}  // namespace

Status BalloonGuest::refuse(std::string why) noexcept {
  why_ = std::move(why);
  return Status::InvalidArgument;
}

std::uint32_t BalloonGuest::max_queues() const noexcept {
  // Drivers in use request all five queue numbers of the specification, whichever queues exist (5.5.2).
  return 5;
}

// A driver begins: what the previous driver left in the device is cleared. A driver that a new process takes
// over has not begun, and keeps its configuration. A driver whose rings stopped may continue, which shows
// when a ring starts.
Status BalloonGuest::set_features(Features features) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  if (any_started()) return Status::Ok;
  // A process that died may have left such features, which the session has not checked.
  if ((features & ~this->features()) != 0 || (features & needed_features()) != needed_features())
    return refuse("the features lack VIRTIO_F_VERSION_1, or include some that were not offered");
  const bool same_features = features == device_->accepted() && (device_->status() & kStatusNeedsReset) == 0;
  if (same_driver_.open() && !resuming_ && same_features) return Status::Ok;
  if (!resuming_) another_driver();
  const std::uint32_t actual = record_.actual;
  begin_device(features);
  record_.actual = resuming_ ? actual : 0;
  if (record_.actual != 0) write_field(kBalloonActual, actual);
  next_poison(resuming_);
  return Status::Ok;
}

Status BalloonGuest::set_memory(std::span<const MemoryRegion> regions) noexcept {
  return change_memory(regions);
}

Status BalloonGuest::add_region(const MemoryRegion& region) noexcept {
  std::vector<MemoryRegion> next = regions_;
  const auto same = [&](const MemoryRegion& r) { return r.at.guest_address == region.at.guest_address; };
  if (const auto known = std::find_if(next.begin(), next.end(), same); known != next.end()) {
    *known = region;  // a repeated call
  } else {
    next.push_back(region);
  }
  return change_memory(next);
}

Status BalloonGuest::remove_region(const MemoryRegion& region) noexcept {
  std::vector<MemoryRegion> next = regions_;
  std::erase_if(next, [&](const MemoryRegion& r) { return r.at.guest_address == region.at.guest_address; });
  return change_memory(next);
}

// Started rings continue at their positions, in the new memory. Nothing is written into them: they may belong
// to another driver, of which no message has arrived yet.
Status BalloonGuest::change_memory(std::span<const MemoryRegion> regions) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  ByteCount size;
  for (const MemoryRegion& region : regions) size = size + ByteCount{region.at.size};
  if (options_.max_memory.raw != 0 && size > options_.max_memory) {
    return refuse(std::to_string(size.raw) + " bytes (" + detail::size_text(size) +
                  ") of guest memory exceed the limit of --max-guest-memory, " +
                  std::to_string(options_.max_memory.raw) + " (" + detail::size_text(options_.max_memory) +
                  ")");
  }
  auto next = GuestMemoryFiles::create(regions, *this, memory_.get());
  if (!next) return refuse(next.error);
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const Ring& ring = rings_[i];
    if (!ring.started) continue;
    const std::string why =
        ring_error(next.object->map().guest(), ring.at, options_.max_queue_size, packed());
    if (!why.empty())
      return refuse("queue " + std::to_string(i) + " is started and would lose its memory: " + why);
  }
  for (std::uint16_t queue = 0; queue < device_->queue_count(); ++queue)
    static_cast<void>(device_->stop_queue(queue));
  const Status status = device_->change_memory(next.object->map(), next.object->inflated_words());
  FALLOW_CHECK(status == Status::Ok);
  memory_ = std::move(next.object);
  regions_.assign(regions.begin(), regions.end());
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const auto queue = static_cast<std::uint16_t>(i);
    if (!rings_[queue].started) continue;
    const auto chains = owed_chains_of(queue);
    FALLOW_CHECK(begin_ring(queue, chains.position));  // ring_error() has checked the areas
    keep_owed(queue, chains);
  }
  return Status::Ok;
}

Status BalloonGuest::set_status(std::uint8_t status) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  if (status == 0 && !resuming_ && !same_driver_.open()) restart_device();
  status_ = status;
  return Status::Ok;
}

Status BalloonGuest::reset_device() noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  restart_device();
  status_ = 0;
  return Status::Ok;
}

// Resets the device and performs the handshake up to the features (3.1.1). FEATURES_OK sticks only if
// features were negotiated.
void BalloonGuest::begin_device(Features features) noexcept {
  queues_reported_ = false;
  device_->set_status(0);
  device_->accept(features);
  for (const std::uint8_t status : {kStatusAcknowledge, kFound, std::uint8_t{kFound | kStatusFeaturesOk}})
    device_->set_status(status);
  FALLOW_CHECK(features == 0 || (device_->status() & kStatusFeaturesOk) != 0);
}

// Restores the initial state with the features that were accepted, because a front-end does not send them
// again.
void BalloonGuest::restart_device() noexcept {
  another_driver();
  begin_device(device_->accepted());
  next_poison(false);
  record_.actual = 0;
}

Status BalloonGuest::get_inflight(InflightSettings& inflight) noexcept {
  if (device_->has(kFeatureRingPacked)) return refuse("in-flight tracking of packed rings is not supported");
  if (InflightArea::make(inflight) != Status::Ok)
    return refuse("creating the file of the in-flight area failed");
  return Status::Ok;
}

Status BalloonGuest::set_inflight(const InflightSettings& inflight) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  auto area = InflightArea::open(inflight);
  if (!area) return refuse(area.error);
  journals_.set_area(std::move(area.object));
  // Whether the area belongs to a ring shows only when a ring starts.
  if (!resuming_) {
    for (RingRecord& ring : record_.rings) ordered_store(ring.tracked.valid, 0);
  }
  return Status::Ok;
}

}  // namespace fallow::vhost
