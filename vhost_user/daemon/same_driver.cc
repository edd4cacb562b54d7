#include "vhost_user/daemon/same_driver.h"

#include "vhost_user/session/ordered_store.h"
#include "vhost_user/session/ring_base.h"

namespace fallow::vhost {

void SameDriver::handed_out(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                            bool last) noexcept {
  HandedOut& handed = record_.rings[queue].handed;
  ordered_store(handed.valid, 0);
  handed.at = at;
  handed.base = base;
  ordered_store(handed.valid, 1);
  if (last) ordered_store(record_.driver_open, 1);
}

void SameDriver::set_up_anew(std::uint16_t queue, bool last) noexcept {
  ordered_store(record_.rings[queue].handed.valid, 0);
  if (last) ordered_store(record_.driver_open, 1);
}

void SameDriver::another() noexcept {
  ordered_store(record_.driver_open, 0);
  for (RingRecord& ring : record_.rings) ordered_store(ring.handed.valid, 0);
}

SameDriver::Verdict SameDriver::verdict(std::uint16_t queue, const detail::QueueAddresses& at,
                                        std::uint32_t base, bool packed) const noexcept {
  if (!open()) return Verdict::Same;
  const HandedOut& handed = record_.rings[queue].handed;
  if (handed.valid == 0 || handed.base != base || handed.at != at) return Verdict::Another;
  return is_fresh_base(base, packed) ? Verdict::Unproven : Verdict::Same;
}

SameDriver::Verdict SameDriver::starts(std::uint16_t queue, const detail::QueueAddresses& at,
                                       std::uint32_t base, bool packed) noexcept {
  const Verdict verdict = this->verdict(queue, at, base, packed);
  if (verdict == Verdict::Another) another();
  if (verdict == Verdict::Same) ordered_store(record_.driver_open, 0);
  return verdict;
}

}  // namespace fallow::vhost
