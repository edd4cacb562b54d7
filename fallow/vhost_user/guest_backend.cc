// What a vhost-user session asks of a guest: features, memory, rings.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fallow/vhost_user/balloon_guest.h"
#include "fallow/virtio/packed_layout.h"
#include "fallow/virtio/split_layout.h"

namespace fallow {
namespace {

constexpr std::uint8_t kFound = kStatusAcknowledge | kStatusDriver;

ByteCount driver_area_bytes(const QueueAddresses& at, bool packed) noexcept {
  return packed ? ByteCount{sizeof(PvirtqEventSuppress)} : AvailRing::bytes(at.size);
}
ByteCount device_area_bytes(const QueueAddresses& at, bool packed) noexcept {
  return packed ? ByteCount{sizeof(PvirtqEventSuppress)} : UsedRing::bytes(at.size);
}

bool holds(const GuestMemory& memory, const QueueAddresses& at, bool packed) noexcept {
  return memory.translate(at.descriptors, {at.size * sizeof(VirtqDesc)}) != nullptr &&
         memory.translate(at.driver_area, driver_area_bytes(at, packed)) != nullptr &&
         memory.translate(at.device_area, device_area_bytes(at, packed)) != nullptr;
}

std::uint32_t base_of(QueuePosition position, bool packed) noexcept {
  return packed ? position.next_avail | std::uint32_t{position.next_used} << 16 : position.next_avail;
}

}  // namespace

bool BalloonGuest::any_started() const noexcept {
  return std::any_of(rings_.begin(), rings_.end(), [](const Ring& ring) { return ring.started; });
}

Status BalloonGuest::refuse(std::string why) noexcept {
  why_ = std::move(why);
  return Status::InvalidArgument;
}

std::uint32_t BalloonGuest::max_queues() const noexcept {
  // Drivers in use ask for all five places of the specification, whatever there is (5.5.2).
  return 5;
}

// A driver begins: what the last one left in the device is gone. A driver that a new process takes over has
// not begun, and finds its configuration as it was.
Status BalloonGuest::set_features(Features features) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  if (any_started()) return Status::Ok;
  const std::uint32_t actual = record_.actual;
  if (!begin_device(features))
    return refuse("features without VIRTIO_F_VERSION_1, or with others than those offered");
  record_.actual = resuming_ ? actual : 0;
  if (record_.actual != 0) write_field(kBalloonActual, actual);
  next_poison(resuming_);
  return Status::Ok;
}

Status BalloonGuest::set_memory(std::span<const VhostMemoryRegion> regions) noexcept {
  return change_memory(regions);
}

Status BalloonGuest::add_region(const VhostMemoryRegion& region) noexcept {
  std::vector<VhostMemoryRegion> next = regions_;
  const auto same = [&](const VhostMemoryRegion& r) { return r.at.guest_address == region.at.guest_address; };
  if (const auto known = std::find_if(next.begin(), next.end(), same); known != next.end()) {
    *known = region;  // repeated
  } else {
    next.push_back(region);
  }
  return change_memory(next);
}

Status BalloonGuest::remove_region(const VhostMemoryRegion& region) noexcept {
  std::vector<VhostMemoryRegion> next = regions_;
  std::erase_if(next,
                [&](const VhostMemoryRegion& r) { return r.at.guest_address == region.at.guest_address; });
  return change_memory(next);
}

// Rings that are started go on where they were, in the memory as it is then.
Status BalloonGuest::change_memory(std::span<const VhostMemoryRegion> regions) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  auto next = GuestMemoryFiles::create(regions, *this, memory_.get());
  if (!next) return refuse(next.error);
  for (const Ring& ring : rings_) {
    if (ring.started && !holds(next.object->map().guest(), ring.at, packed()))
      return refuse("memory without that of a ring that is started");
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
    const auto estate = journal_.estate(queue, memory_->map().guest(), rings_[queue].at, packed());
    FALLOW_CHECK(begin_ring(queue, rings_[queue].at, estate.position));  // its areas are there
    hand_back_owed(queue, estate);
  }
  wake();
  return Status::Ok;
}

Status BalloonGuest::set_status(std::uint8_t status) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  if (status == 0 && !resuming_) restart_device();
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

// Resets it, and goes through the handshake as far as the features (3.1.1). False: they do not stick.
bool BalloonGuest::begin_device(Features features) noexcept {
  device_->set_status(0);
  device_->accept(features);
  for (const std::uint8_t status : {kStatusAcknowledge, kFound, std::uint8_t{kFound | kStatusFeaturesOk}})
    device_->set_status(status);
  return (device_->status() & kStatusFeaturesOk) != 0;
}

// As at the beginning, with the features that were accepted: a front-end does not say them again.
void BalloonGuest::restart_device() noexcept {
  static_cast<void>(begin_device(device_->accepted()));  // none yet: it waits for them
  next_poison(false);
  record_.actual = 0;
}

std::string BalloonGuest::addresses_of(std::uint32_t vring, const VhostSettings& settings,
                                       QueueAddresses& at) const {
  const Vring& ring = settings.vrings[vring];
  at.size = static_cast<std::uint16_t>(ring.size);
  if (!settings.guest_address(ring.descriptors, at.size * sizeof(VirtqDesc), at.descriptors.raw) ||
      !settings.guest_address(ring.available, driver_area_bytes(at, packed()).raw, at.driver_area.raw) ||
      !settings.guest_address(ring.used, device_area_bytes(at, packed()).raw, at.device_area.raw)) {
    return "queue " + std::to_string(vring) + " is not in the guest's memory";
  }
  return {};
}

// A split ring says itself how many chains came back.
QueuePosition BalloonGuest::begin_of(const QueueAddresses& at, std::uint32_t base) const noexcept {
  if (device_->has(kFeatureRingPacked))
    return {static_cast<std::uint16_t>(base), static_cast<std::uint16_t>(base >> 16)};
  std::byte* const used = memory_->map().guest().translate(at.device_area, UsedRing::bytes(at.size));
  const std::uint16_t returned = used == nullptr ? std::uint16_t{0} : UsedRing(used, at.size).idx().load();
  return {static_cast<std::uint16_t>(base), returned};
}

bool BalloonGuest::begin_ring(std::uint16_t queue, const QueueAddresses& at,
                              QueuePosition position) noexcept {
  if (const Status status = device_->start_queue(queue, at, position); status != Status::Ok) {
    rings_[queue].started = false;
    static_cast<void>(refuse("queue " + std::to_string(queue) + " of " + std::to_string(at.size) +
                             " places cannot be served: its size, its alignment or where it lies is wrong"));
    return false;
  }
  // A front-end that starts a ring has a driver that is there.
  device_->set_status(kFound | kStatusFeaturesOk | kStatusDriverOk);
  pending_ |= 1U << queue;
  return true;
}

void BalloonGuest::hand_back_owed(std::uint16_t queue, const GuestJournal::Estate& estate) noexcept {
  for (unsigned i = 0; i < estate.count; ++i)
    device_->hand_back(queue, estate.owed[i].id, estate.owed[i].slots);
}

// Of a back-end before this one, which the front-end knew how to replace: the ring goes on behind all that it
// took.
void BalloonGuest::hand_back_inflight(std::uint16_t queue, QueuePosition& position,
                                      std::vector<std::uint16_t>& owed) noexcept {
  if (inflight_ == nullptr || device_->has(kFeatureRingPacked)) return;
  owed = inflight_->owed(queue, rings_[queue].at.size, position.next_used);
  if (!owed.empty()) position.next_avail = static_cast<std::uint16_t>(position.next_used + owed.size());
}

Status BalloonGuest::start_ring(std::uint32_t vring, const VhostSettings& settings) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  if (vring >= device_->queue_count())
    return refuse("queue " + std::to_string(vring) + " of a balloon that has " +
                  std::to_string(device_->queue_count()));
  Ring& ring = rings_[vring];
  if (ring.started) return Status::Ok;  // repeated
  QueueAddresses at;
  if (std::string why = addresses_of(vring, settings, at); !why.empty()) return refuse(std::move(why));
  const Vring& wanted = settings.vrings[vring];
  if (!watch(vring, wanted.kick)) return Status::InvalidArgument;
  // Some drivers begin anew without a word, after a fault too.
  if (!resuming_ && (device_->status() & kStatusNeedsReset) != 0 && !any_started()) restart_device();
  ring = {true, settings.enabled(vring), at, wanted.kick, wanted.call, wanted.err};

  const auto queue = static_cast<std::uint16_t>(vring);
  const auto estate = journal_.estate(queue, memory_->map().guest(), at, packed());
  const bool goes_on = resuming_ || (estate.running && record_.rings[queue].begin == wanted.base);
  QueuePosition position = goes_on ? estate.position : begin_of(at, wanted.base);
  std::vector<std::uint16_t> inflight;
  if (!goes_on) {
    hand_back_inflight(queue, position, inflight);
    journal_.started(queue, wanted.base, position);
  }
  if (!begin_ring(queue, at, position)) {
    unwatch(wanted.kick);
    journal_.stopped(queue, position);
    return Status::InvalidArgument;
  }
  if (goes_on) {
    journal_.went_on(queue, estate);
    hand_back_owed(queue, estate);
  }
  for (const std::uint16_t id : inflight) device_->hand_back(queue, id, 1);
  // Who returned chains before may have died before it said so.
  if (resuming_ || inflight_ != nullptr) calls_due_ |= 1U << queue;
  wake();
  return Status::Ok;
}

Status BalloonGuest::stop_ring(std::uint32_t vring, std::uint32_t& base) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  const auto queue = static_cast<std::uint16_t>(vring);
  Ring& ring = rings_[vring];
  const auto estate = journal_.estate(queue, memory_->map().guest(), ring.at, packed());
  QueuePosition position = estate.position;
  if (ring.started) {
    hand_back_owed(queue, estate);  // what the device keeps for later
    if (((calls_due_ | errs_due_) >> queue & 1) != 0) {
      wanted_ = true;  // when they are told
      wake();
      return Status::Pending;
    }
    position = device_->stop_queue(queue);
    unwatch(ring.kick);
    journal_.stopped(queue, position);
    ring = {};
    pending_ &= ~(1U << vring);
    if (!any_started()) record_.poison.fresh = 0;
  }
  base = base_of(position, packed());
  return Status::Ok;
}

Status BalloonGuest::enable_ring(std::uint32_t vring, bool on) noexcept {
  const Lock held = lock();
  rings_[vring].enabled = on;
  if (on) {
    pending_ |= 1U << vring;
    wake();
  }
  return Status::Ok;
}

Status BalloonGuest::replace_descriptors(std::uint32_t vring, const Vring& next) noexcept {
  const Lock held = lock();
  wanted_ = calling_;
  if (calling_) return Status::Pending;
  Ring& ring = rings_[vring];
  if (next.kick != ring.kick) {
    if (next.kick >= 0 && !watch(vring, next.kick)) return Status::InvalidArgument;
    unwatch(ring.kick);
  }
  ring.kick = next.kick;
  ring.call = next.call;
  ring.err = next.err;
  pending_ |= 1U << vring;  // what was kicked in between
  wake();
  return Status::Ok;
}

// Each write to it wakes the guest's thread, which never reads there: the front-end may do with it what it
// likes.
bool BalloonGuest::watch(std::uint32_t vring, int kick) noexcept {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u32 = vring}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, kick, &event) == 0 || errno == EEXIST) return true;
  static_cast<void>(refuse("the kick descriptor of queue " + std::to_string(vring) +
                           " cannot be waited for: " + std::strerror(errno)));
  return false;
}

void BalloonGuest::unwatch(int kick) noexcept {
  if (kick >= 0) static_cast<void>(epoll_ctl(epoll_, EPOLL_CTL_DEL, kick, nullptr));
}

Status BalloonGuest::get_inflight(VhostInflight& inflight) noexcept {
  if (device_->has(kFeatureRingPacked)) return refuse("inflight tracking of packed rings is not supported");
  if (InflightArea::make(inflight) != Status::Ok) return refuse("no memory for an inflight area");
  return Status::Ok;
}

Status BalloonGuest::set_inflight(const VhostInflight& inflight) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  auto area = InflightArea::open(inflight);
  if (!area) return refuse(area.error);
  inflight_ = std::move(area.object);
  return Status::Ok;
}

}  // namespace fallow
