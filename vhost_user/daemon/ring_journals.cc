#include "vhost_user/daemon/ring_journals.h"

#include "vhost_user/session/ordered_store.h"

namespace fallow::vhost {

void RingJournals::track(std::uint16_t queue, const detail::QueueAddresses& at, bool packed) noexcept {
  Tracked& tracked = record_.rings[queue].tracked;
  ordered_store(tracked.valid, 0);
  if (area_ == nullptr || packed) return;
  tracked.at = at;
  ordered_store(tracked.valid, 1);
}

void RingJournals::forget(std::uint16_t queue) noexcept {
  if (area_ != nullptr) area_->forget(queue);
  ordered_store(record_.rings[queue].tracked.valid, 0);
}

void RingJournals::taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept {
  record_.driver_leaving = 0;  // the driver is present
  own_.taken(queue, chain, position);
  if (area_ != nullptr) area_->taken(queue, chain, position);
}

void RingJournals::kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept {
  own_.kept(queue, id, slots);
}

void RingJournals::returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept {
  own_.returning(queue, id, slots);
  if (area_ != nullptr) area_->returning(queue, id, slots);
}

void RingJournals::returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept {
  own_.returned(queue, id, position);
  if (area_ != nullptr) area_->returned(queue, id, position);
}

}  // namespace fallow::vhost
