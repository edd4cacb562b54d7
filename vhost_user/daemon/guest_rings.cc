// The rings of a guest: how each starts, continues, and ends.
//
// VH-4: the device writes no byte of a ring that the driver has not made available since the ring was last
// set up. vhost-user does not tell a back-end when a driver frees its rings. A ring therefore rests while it
// is disabled, or while its driver may be gone, and it is dropped when it is set up anew.
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include "fallow/base/check.h"
#include "vhost_user/daemon/balloon_guest.h"
#include "vhost_user/protocol/queue_list.h"
#include "vhost_user/session/ordered_store.h"
#include "vhost_user/session/ring_areas.h"
#include "vhost_user/session/ring_base.h"

namespace fallow::vhost {
namespace {

std::string name_of(std::uint32_t vring) { return "queue " + std::to_string(vring); }

}  // namespace

bool BalloonGuest::any_started() const noexcept {
  return std::any_of(rings_.begin(), rings_.end(), [](const Ring& ring) { return ring.started; });
}

GuestJournal::OwedChains BalloonGuest::owed_chains_of(std::uint16_t queue) const noexcept {
  return journal_.owed_chains(queue, memory_->map().guest(), rings_[queue].at, packed());
}

std::string BalloonGuest::addresses_of(std::uint32_t vring, const Settings& settings,
                                       detail::QueueAddresses& at) const {
  const Vring& ring = settings.vrings[vring];
  at.size = static_cast<std::uint16_t>(ring.size);
  const RingAreaNames names = ring_area_names(packed());
  const auto find = [&](const char* name, std::uint64_t user, ByteCount size,
                        GuestPhys& guest) -> std::string {
    if (settings.guest_address(user, size.raw, guest.raw)) return {};
    char text[200];
    std::snprintf(text, sizeof text,
                  "queue %u cannot be served: its %s of %" PRIu64 " bytes at user address 0x%" PRIx64
                  " does not lie in one region of the guest's memory",
                  vring, name, size.raw, user);
    return text;
  };
  std::string why =
      find(names.table, ring.descriptors, {at.size * sizeof(detail::VirtqDesc)}, at.descriptors);
  if (why.empty())
    why = find(names.driver_area, ring.available, driver_area_bytes(at, packed()), at.driver_area);
  if (why.empty()) why = find(names.device_area, ring.used, device_area_bytes(at, packed()), at.device_area);
  if (!why.empty()) return why;
  why = ring_error(memory_->map().guest(), at, options_.max_queue_size, packed());
  return why.empty() ? why : name_of(vring) + " cannot be served: " + why;
}

// A split ring itself records how many chains were returned. The chains between that index and the base were
// taken and not returned by a back-end; there are never more of them than the ring has entries. With a base
// behind the index, the device would take chains again that the driver has got back and whose pages it may
// use.
std::string BalloonGuest::begin_of(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                                   QueuePosition& position) const {
  position = {static_cast<std::uint16_t>(base), static_cast<std::uint16_t>(base >> 16)};
  if (packed()) {
    const detail::PackedPosition avail = detail::PackedPosition::decode(position.next_avail);
    const detail::PackedPosition used = detail::PackedPosition::decode(position.next_used);
    if (avail.offset < at.size && used.offset < at.size && distance(used, avail, at.size) <= at.size)
      return {};
    return name_of(queue) + " cannot be served: both halves of its base " + std::to_string(base) +
           " must be below its size of " + std::to_string(at.size) +
           ", and the upper half (used) must be at most that far behind the lower half (available)";
  }
  position.next_used = used_index(memory_->map().guest(), at);
  const auto taken = static_cast<std::uint16_t>(position.next_avail - position.next_used);
  if (taken <= at.size) return {};
  return name_of(queue) + " cannot be served: its base " + std::to_string(base) + " is not within 0 to " +
         std::to_string(at.size) + " entries (its size) after its used index " +
         std::to_string(position.next_used);
}

// The area was written by an earlier back-end, which the front-end was able to replace: the ring continues
// after all chains that it took. Chains in the area that the driver never made available were not in flight.
std::string BalloonGuest::inflight_of(std::uint16_t queue, const detail::QueueAddresses& at,
                                      QueuePosition& position, std::vector<std::uint16_t>& owed) {
  if (inflight_ == nullptr || packed()) return {};
  const Tracked& tracked = record_.rings[queue].tracked;
  if (tracked.valid != 0 && tracked.at != at) forget_inflight(queue);
  owed = inflight_->owed(queue, at.size, position.next_used);
  if (owed.empty()) return {};
  const std::uint16_t out = chains_out(memory_->map().guest(), at);
  if (out > at.size || owed.size() > out) {
    return name_of(queue) + " cannot be served: the in-flight area names " + std::to_string(owed.size()) +
           " chains, but the driver waits for " + std::to_string(out);
  }
  position.next_avail = static_cast<std::uint16_t>(position.next_used + owed.size());
  return {};
}

// From here on the area describes this ring.
void BalloonGuest::track(std::uint16_t queue) noexcept {
  Tracked& tracked = record_.rings[queue].tracked;
  ordered_store(tracked.valid, 0);
  if (inflight_ == nullptr || packed()) return;
  tracked.at = rings_[queue].at;
  ordered_store(tracked.valid, 1);
}

void BalloonGuest::forget_inflight(std::uint16_t queue) noexcept {
  if (inflight_ != nullptr) inflight_->forget(queue);
  ordered_store(record_.rings[queue].tracked.valid, 0);
}

// Nothing is owed for the rings of the previous driver. Entries of the area for rings that this session never
// served belong to another back-end, whose driver may still be present.
void BalloonGuest::another_driver() noexcept {
  same_driver_.another();
  for (std::uint16_t queue = 0; queue < kVhostMaxVrings; ++queue) {
    if (record_.rings[queue].tracked.valid != 0) forget_inflight(queue);
  }
}

// Returns whether a driver begins with this ring. Some drivers begin anew without any message, after a fault
// too.
bool BalloonGuest::begins_with(std::uint16_t queue, std::uint32_t base) const noexcept {
  if ((device_->status() & kStatusNeedsReset) != 0 && !any_started()) return true;
  return same_driver_.verdict(queue, rings_[queue].at, base, packed()) == SameDriver::Verdict::Another;
}

// If the ring belongs to another driver, forgets what the previous driver said.
void BalloonGuest::decide_driver(std::uint16_t queue, std::uint32_t base) noexcept {
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

bool BalloonGuest::begin_ring(std::uint16_t queue, QueuePosition position) noexcept {
  if (const Status status = device_->start_queue(queue, rings_[queue].at, position); status != Status::Ok) {
    static_cast<void>(refuse(name_of(queue) + " cannot be served: " + describe(status)));
    return false;
  }
  // A front-end that starts a ring has a driver present.
  device_->set_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  return true;
}

std::string BalloonGuest::unknown_queue(std::uint16_t queue) const {
  std::string text = name_of(queue) + " does not exist for this driver; its queues are";
  const char* before = " ";
  for (const QueueNumbers numbers :
       {QueueNumbers::WithoutGaps, QueueNumbers::AsPrinted, QueueNumbers::OverOffered}) {
    text += before + queue_list(*device_, numbers) + " (" + describe(numbers) + ")";
    before = ", or ";
  }
  return text;
}

void BalloonGuest::report_queues(std::uint16_t queue) noexcept {
  if (queue != device_->number(BalloonQueue::Reporting) || std::exchange(queues_reported_, true)) return;
  const QueueNumbers numbers = device_->queue_numbers();
  events_.guest_event(
      record_.number, BalloonGuestEvents::Kind::Queues,
      std::string("the queues are numbered ") + describe(numbers) + ": " + queue_list(*device_, numbers));
}

// For a ring that rests or continues: no request is under way, so an owed chain can only be the kept
// statistics buffer.
void BalloonGuest::keep_owed(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept {
  if (chains.count != 0 && queue == device_->number(BalloonQueue::Stats))
    device_->adopt_statistics(chains.owed[0].id, chains.owed[0].slots);
}

void BalloonGuest::hand_back_owed(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept {
  for (unsigned i = 0; i < chains.count; ++i)
    device_->hand_back(queue, chains.owed[i].id, chains.owed[i].slots);
}

Status BalloonGuest::start_ring(std::uint32_t vring, const Settings& settings) noexcept {
  const Lock held = lock();
  if (!quiet()) return Status::Pending;
  FALLOW_CHECK(vring < kVhostMaxVrings);
  const auto queue = static_cast<std::uint16_t>(vring);
  Ring& ring = rings_[queue];
  if (ring.started) return Status::Ok;  // a repeated call
  if ((device_->status() & kStatusFeaturesOk) == 0)
    return refuse(name_of(vring) + " cannot be served: SET_FEATURES with VIRTIO_F_VERSION_1 must come first");
  if (!device_->has_queue(queue)) return refuse(unknown_queue(queue));
  // The message under way drops the ring, and will be repeated.
  if (resuming_ && journal_.was_dropped(queue)) return Status::Ok;
  const Vring& wanted = settings.vrings[vring];
  if (resuming_ && journal_.has_stopped(queue)) {
    // The message under way has stopped the ring, or the connection is about to end. The driver may not have
    // been notified.
    ring = {.call = wanted.call, .err = wanted.err};
    calls_due_ |= 1U << queue;
    wake();
    return Status::Ok;
  }
  detail::QueueAddresses at;
  if (std::string why = addresses_of(vring, settings, at); !why.empty()) return refuse(std::move(why));
  if (!watch(vring, wanted.kick)) return Status::InvalidArgument;
  ring = {false, settings.enabled(vring), at, wanted.kick, wanted.call, wanted.err, false};
  const auto chains = owed_chains_of(queue);
  const bool goes_on = resuming_ || (chains.running && record_.rings[queue].begin == wanted.base);
  const Status status = goes_on ? resume_queue(queue, chains) : start_anew(queue, wanted.base);
  if (status != Status::Ok) {
    ring = {};
    unwatch(wanted.kick);
    return status;
  }
  ring.started = true;
  if (!resuming_) report_queues(queue);
  // Looks for chains that were made available earlier, without a kick, unless the driver may be gone.
  if (record_.driver_leaving == 0) pending_ |= 1U << queue;
  wake();
  return Status::Ok;
}

Status BalloonGuest::start_anew(std::uint16_t queue, std::uint32_t base) noexcept {
  const detail::QueueAddresses& at = rings_[queue].at;
  QueuePosition position;
  std::vector<std::uint16_t> inflight;
  std::string why = begin_of(queue, at, base, position);
  if (why.empty() && begins_with(queue, base)) forget_inflight(queue);
  if (why.empty()) why = inflight_of(queue, at, position, inflight);
  if (!why.empty()) return refuse(std::move(why));
  decide_driver(queue, base);
  record_.driver_leaving = 0;
  journal_.started(queue, base, position);
  if (!begin_ring(queue, position)) {
    journal_.stopped(queue, position);
    return Status::InvalidArgument;
  }
  track(queue);
  for (const std::uint16_t id : inflight) device_->hand_back(queue, id, 1);
  // A back-end that returned chains earlier may have died before it notified the driver.
  if (inflight_ != nullptr) calls_due_ |= 1U << queue;
  return Status::Ok;
}

// Another process served the ring, or handled this message and died.
Status BalloonGuest::resume_queue(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept {
  const std::string why = GuestJournal::inconsistency(chains, rings_[queue].at, packed());
  if (!why.empty()) return refuse(name_of(queue) + " cannot continue: " + why);
  if (!begin_ring(queue, chains.position)) {
    journal_.stopped(queue, chains.position);
    return Status::InvalidArgument;
  }
  journal_.continued(queue, chains);
  if (at_rest(queue)) {
    keep_owed(queue, chains);
    // The descriptor is never read, so it is readable if there was ever a kick.
    pollfd kick{rings_[queue].kick, POLLIN, 0};
    rings_[queue].stale_kick = record_.driver_leaving != 0 && poll(&kick, 1, 0) == 1;
  } else {
    hand_back_owed(queue, chains);
  }
  if (resuming_ || inflight_ != nullptr) calls_due_ |= 1U << queue;
  return Status::Ok;
}

Status BalloonGuest::stop_ring(std::uint32_t vring, RingEnd why, std::uint32_t& base) noexcept {
  const Lock held = lock();
  const auto queue = static_cast<std::uint16_t>(vring);
  Ring& ring = rings_[queue];
  // Takes effect at once, whatever is under way.
  if (ring.started && drops(why)) drop_ring(queue, why);
  if (!quiet()) return Status::Pending;
  // Runs in one step, so that no request before the retry finds the ring half stopped.
  if (ring.started) {
    if (why == RingEnd::Asked || !at_rest(queue)) hand_back_owed(queue, owed_chains_of(queue));
    // After a fault nothing can be handed back, and the driver must begin anew.
    if (why == RingEnd::Asked && (device_->status() & kStatusNeedsReset) != 0) forget_inflight(queue);
    const detail::QueueAddresses at = ring.at;
    const QueuePosition position = end_ring(queue);
    if (why == RingEnd::Asked)
      same_driver_.handed_out(queue, at, ring_base(position, packed()), !any_started());
    journal_.stopped(queue, position);
  }
  if (((calls_due_ | errs_due_) >> queue & 1) != 0) {
    wanted_ = true;  // wake the session when they are notified
    wake();
    return Status::Pending;
  }
  ring = {};
  base = ring_base(owed_chains_of(queue).position, packed());
  return Status::Ok;
}

// Keeps the descriptors through which the driver and the front-end are notified.
QueuePosition BalloonGuest::end_ring(std::uint16_t queue) noexcept {
  const QueuePosition position = device_->stop_queue(queue);
  Ring& ring = rings_[queue];
  unwatch(ring.kick);
  ring = {.call = ring.call, .err = ring.err};
  pending_ &= ~(1U << queue);
  if (!any_started()) record_.poison.fresh = 0;
  return position;
}

void BalloonGuest::drop_ring(std::uint16_t queue, RingEnd why) noexcept {
  journal_.dropped(queue, end_ring(queue));
  rings_[queue] = {};
  calls_due_ &= ~(1U << queue);
  errs_due_ &= ~(1U << queue);
  forget_inflight(queue);
  if (why == RingEnd::NewDriver) {
    another_driver();
  } else {
    same_driver_.set_up_anew(queue, !any_started());
  }
}

// The driver of a disabled ring may free it as soon as the front-end has its answer.
Status BalloonGuest::enable_ring(std::uint32_t vring, bool on) noexcept {
  const Lock held = lock();
  if (!on && !quiet()) return Status::Pending;
  const auto queue = static_cast<std::uint16_t>(vring);
  Ring& ring = rings_[queue];
  ring.enabled = on;
  if (!on || !ring.started) return Status::Ok;
  pending_ |= 1U << queue;
  wake();
  return Status::Ok;
}

// Serves earlier kicks first: later, the device would look for their chains in freed memory.
Status BalloonGuest::driver_may_leave() noexcept {
  const Lock held = lock();
  if (settling_ != Settling::Done) {
    if (settling_ == Settling::No) settling_ = Settling::Asked;
    wanted_ = false;
    wake();
    return Status::Pending;
  }
  settling_ = Settling::No;
  record_.driver_leaving = 1;
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
  if (record_.driver_leaving == 0) pending_ |= 1U << vring;  // kicks that arrived in between
  wake();
  return Status::Ok;
}

// Each write to the descriptor wakes the guest's thread, which never reads it: the front-end may use it in
// any way.
bool BalloonGuest::watch(std::uint32_t vring, int kick) noexcept {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u32 = vring}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, kick, &event) == 0 || errno == EEXIST) return true;
  static_cast<void>(refuse("polling the kick descriptor of queue " + std::to_string(vring) +
                           " failed: " + std::strerror(errno)));
  return false;
}

void BalloonGuest::unwatch(int kick) noexcept {
  if (kick >= 0) static_cast<void>(epoll_ctl(epoll_, EPOLL_CTL_DEL, kick, nullptr));
}

}  // namespace fallow::vhost
