// The rings of a guest: how each starts, continues, and ends.
//
// VH-4: the device writes no byte of a ring that the driver has not made available since the ring was last
// set up. vhost-user does not tell a back-end when a driver frees its rings. A ring therefore rests while it
// is disabled, or while its driver may be gone, and it is dropped when it is set up anew.
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "fallow/base/check.h"
#include "vhost_user/daemon/guest_device.h"
#include "vhost_user/daemon/ring_setup.h"
#include "vhost_user/protocol/queue_list.h"
#include "vhost_user/session/ring_areas.h"
#include "vhost_user/session/ring_base.h"

namespace fallow::vhost {
GuestJournal::OwedChains GuestDevice::owed_chains_of(std::uint16_t queue) const noexcept {
  return journals_.own().owed_chains(queue, memory_->map().guest(), rings_[queue].at, packed());
}

// The area was written by an earlier back-end, which the front-end was able to replace: the ring continues
// after all chains that it took. Chains in the area that the driver never made available were not in flight.
std::string GuestDevice::inflight_of(std::uint16_t queue, const detail::QueueAddresses& at,
                                     QueuePosition& position, std::vector<std::uint16_t>& owed) {
  if (journals_.area() == nullptr || packed()) return {};
  const Tracked& tracked = record_.rings[queue].tracked;
  if (tracked.valid != 0 && tracked.at != at) journals_.forget(queue);
  owed = journals_.area()->owed(queue, at.size, position.next_used);
  if (owed.empty()) return {};
  const std::uint16_t out = chains_out(memory_->map().guest(), at);
  if (out > at.size || owed.size() > out) {
    return queue_name(queue) + " cannot be served: the in-flight area names " + std::to_string(owed.size()) +
           " chains, but the driver waits for " + std::to_string(out);
  }
  position.next_avail = static_cast<std::uint16_t>(position.next_used + owed.size());
  return {};
}

// Nothing is owed for the rings of the previous driver. Entries of the area for rings that this session never
// served belong to another back-end, whose driver may still be present.
void GuestDevice::another_driver() noexcept {
  same_driver_.another();
  for (std::uint16_t queue = 0; queue < kVhostMaxVrings; ++queue) {
    if (record_.rings[queue].tracked.valid != 0) journals_.forget(queue);
  }
}

// Returns whether a driver begins with this ring. Some drivers begin anew without any message, after a fault
// too.
bool GuestDevice::begins_with(std::uint16_t queue, std::uint32_t base) const noexcept {
  if ((device_->status() & kStatusNeedsReset) != 0 && !any_started()) return true;
  return same_driver_.verdict(queue, rings_[queue].at, base, packed()) == SameDriver::Verdict::Another;
}

// If the ring belongs to another driver, forgets what the previous driver said.
void GuestDevice::decide_driver(std::uint16_t queue, std::uint32_t base) noexcept {
  if ((device_->status() & kStatusNeedsReset) != 0 && !any_started()) restart_device();
  switch (same_driver_.starts(queue, rings_[queue].at, base, packed())) {
    case SameDriver::Verdict::Same:
    case SameDriver::Verdict::Unproven:
      apply_poison();
      return;
    case SameDriver::Verdict::Another:
      queues_reported_ = false;
      another_driver();
      device_->forget_driver();
      record_.actual = 0;
      next_poison(false);
      return;
  }
}

bool GuestDevice::begin_ring(std::uint16_t queue, QueuePosition position) noexcept {
  if (const Status status = device_->start_queue(queue, rings_[queue].at, position); status != Status::Ok) {
    static_cast<void>(refuse(queue_name(queue) + " cannot be served: " + describe(status)));
    return false;
  }
  // A front-end that starts a ring has a driver present.
  device_->set_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  return true;
}

void GuestDevice::report_queues(std::uint16_t queue) noexcept {
  if (queue != device_->number(BalloonQueue::Reporting) || std::exchange(queues_reported_, true)) return;
  const QueueNumbers numbers = device_->queue_numbers();
  events_.guest_event(
      record_.number, BalloonGuestEvents::Kind::Queues,
      std::string("the queues are numbered ") + describe(numbers) + ": " + queue_list(*device_, numbers));
}

// For a ring that rests or continues: no request is under way, so an owed chain can only be the kept
// statistics buffer.
void GuestDevice::keep_owed(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept {
  if (chains.count != 0 && queue == device_->number(BalloonQueue::Stats))
    device_->adopt_statistics(chains.owed[0].id, chains.owed[0].slots);
}

void GuestDevice::hand_back_owed(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept {
  for (unsigned i = 0; i < chains.count; ++i)
    device_->hand_back(queue, chains.owed[i].id, chains.owed[i].slots);
}

Status GuestDevice::start_ring(std::uint32_t vring, const Settings& settings) noexcept {
  FALLOW_CHECK(vring < kVhostMaxVrings);
  const auto queue = static_cast<std::uint16_t>(vring);
  Ring& ring = rings_[queue];
  if (ring.started) return Status::Ok;  // a repeated call
  if ((device_->status() & kStatusFeaturesOk) == 0)
    return refuse(queue_name(vring) +
                  " cannot be served: SET_FEATURES with VIRTIO_F_VERSION_1 must come first");
  if (!device_->has_queue(queue)) return refuse(unknown_queue_text(*device_, queue));
  // The message under way drops the ring, and will be repeated.
  if (resuming_ && journals_.own().was_dropped(queue)) return Status::Ok;
  const Vring& wanted = settings.vrings[vring];
  if (resuming_ && journals_.own().has_stopped(queue)) {
    // The message under way has stopped the ring, or the connection is about to end. The driver may not have
    // been notified.
    ring = {.call = wanted.call, .err = wanted.err};
    work_.calls |= 1U << queue;
    kicks_.wake();
    return Status::Ok;
  }
  detail::QueueAddresses at;
  if (std::string why =
          find_ring(settings, vring, memory_->map().guest(), options_.max_queue_size, packed(), at);
      !why.empty())
    return refuse(std::move(why));
  if (!watch(vring, wanted.kick)) return Status::InvalidArgument;
  ring = {false, settings.enabled(vring), at, wanted.kick, wanted.call, wanted.err, false};
  const auto chains = owed_chains_of(queue);
  const bool goes_on = resuming_ || (chains.running && record_.rings[queue].begin == wanted.base);
  const Status status = goes_on ? resume_queue(queue, chains) : start_anew(queue, wanted.base);
  if (status != Status::Ok) {
    ring = {};
    kicks_.unwatch(wanted.kick);
    return status;
  }
  ring.started = true;
  if (!resuming_) report_queues(queue);
  // Looks for chains that were made available earlier, without a kick, unless the driver may be gone.
  if (record_.driver_leaving == 0) work_.pending |= 1U << queue;
  kicks_.wake();
  return Status::Ok;
}

Status GuestDevice::start_anew(std::uint16_t queue, std::uint32_t base) noexcept {
  const detail::QueueAddresses& at = rings_[queue].at;
  QueuePosition position;
  std::vector<std::uint16_t> inflight;
  std::string why = find_position(memory_->map().guest(), queue, at, base, packed(), position);
  if (why.empty() && begins_with(queue, base)) journals_.forget(queue);
  if (why.empty()) why = inflight_of(queue, at, position, inflight);
  if (!why.empty()) return refuse(std::move(why));
  decide_driver(queue, base);
  record_.driver_leaving = 0;
  journals_.own().started(queue, base, position);
  if (!begin_ring(queue, position)) {
    journals_.own().stopped(queue, position);
    return Status::InvalidArgument;
  }
  journals_.track(queue, at, packed());
  for (const std::uint16_t id : inflight) device_->hand_back(queue, id, 1);
  // A back-end that returned chains earlier may have died before it notified the driver.
  if (journals_.area() != nullptr) work_.calls |= 1U << queue;
  return Status::Ok;
}

// Another process served the ring, or handled this message and died.
Status GuestDevice::resume_queue(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept {
  const std::string why = GuestJournal::inconsistency(chains, rings_[queue].at, packed());
  if (!why.empty()) return refuse(queue_name(queue) + " cannot continue: " + why);
  if (!begin_ring(queue, chains.position)) {
    journals_.own().stopped(queue, chains.position);
    return Status::InvalidArgument;
  }
  journals_.own().continued(queue, chains);
  if (at_rest(queue)) {
    keep_owed(queue, chains);
    // The descriptor is never read, so it is readable if there was ever a kick.
    pollfd kick{rings_[queue].kick, POLLIN, 0};
    rings_[queue].stale_kick = record_.driver_leaving != 0 && poll(&kick, 1, 0) == 1;
  } else {
    hand_back_owed(queue, chains);
  }
  if (resuming_ || journals_.area() != nullptr) work_.calls |= 1U << queue;
  return Status::Ok;
}

void GuestDevice::stop_ring(std::uint16_t queue, RingEnd why) noexcept {
  Ring& ring = rings_[queue];
  if (!ring.started) return;
  if (why == RingEnd::Asked || !at_rest(queue)) hand_back_owed(queue, owed_chains_of(queue));
  // After a fault nothing can be handed back, and the driver must begin anew.
  if (why == RingEnd::Asked && (device_->status() & kStatusNeedsReset) != 0) journals_.forget(queue);
  const detail::QueueAddresses at = ring.at;
  const QueuePosition position = end_ring(queue);
  if (why == RingEnd::Asked)
    same_driver_.handed_out(queue, at, ring_base(position, packed()), !any_started());
  journals_.own().stopped(queue, position);
}

std::uint32_t GuestDevice::forget_ring(std::uint16_t queue) noexcept {
  rings_[queue] = {};
  return ring_base(owed_chains_of(queue).position, packed());
}

// Keeps the descriptors through which the driver and the front-end are notified.
QueuePosition GuestDevice::end_ring(std::uint16_t queue) noexcept {
  const QueuePosition position = device_->stop_queue(queue);
  Ring& ring = rings_[queue];
  kicks_.unwatch(ring.kick);
  ring = {.call = ring.call, .err = ring.err};
  work_.pending &= ~(1U << queue);
  if (!any_started()) record_.poison.fresh = 0;
  return position;
}

void GuestDevice::drop_ring(std::uint16_t queue, RingEnd why) noexcept {
  if (!rings_[queue].started) return;
  journals_.own().dropped(queue, end_ring(queue));
  rings_[queue] = {};
  work_.calls &= ~(1U << queue);
  work_.errs &= ~(1U << queue);
  journals_.forget(queue);
  if (why == RingEnd::NewDriver) {
    another_driver();
  } else {
    same_driver_.set_up_anew(queue, !any_started());
  }
}

void GuestDevice::enable_ring(std::uint16_t queue, bool on) noexcept {
  Ring& ring = rings_[queue];
  ring.enabled = on;
  if (!on || !ring.started) return;
  work_.pending |= 1U << queue;
  kicks_.wake();
}

Status GuestDevice::replace_descriptors(std::uint32_t vring, const Vring& next) noexcept {
  Ring& ring = rings_[vring];
  if (next.kick != ring.kick) {
    if (next.kick >= 0 && !watch(vring, next.kick)) return Status::InvalidArgument;
    kicks_.unwatch(ring.kick);
  }
  ring.kick = next.kick;
  ring.call = next.call;
  ring.err = next.err;
  if (record_.driver_leaving == 0) work_.pending |= 1U << vring;  // kicks that arrived in between
  kicks_.wake();
  return Status::Ok;
}

bool GuestDevice::watch(std::uint32_t vring, int kick) noexcept {
  const int error = kicks_.watch(vring, kick);
  if (error == 0) return true;
  static_cast<void>(
      refuse("polling the kick descriptor of " + queue_name(vring) + " failed: " + std::strerror(error)));
  return false;
}

}  // namespace fallow::vhost
