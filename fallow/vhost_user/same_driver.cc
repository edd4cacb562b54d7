#include "fallow/vhost_user/same_driver.h"

#include <atomic>

#include "fallow/vhost_user/ring_base.h"

namespace fallow {
namespace {

// release: MO-28, what the word says was stored before it, also in the order that a process that dies leaves.
void store(std::uint32_t& word, std::uint32_t value) noexcept {
  std::atomic_ref<std::uint32_t>(word).store(value, std::memory_order_release);
}

bool same(const QueueAddresses& a, const QueueAddresses& b) noexcept {
  return a.size == b.size && a.descriptors == b.descriptors && a.driver_area == b.driver_area &&
         a.device_area == b.device_area;
}

}  // namespace

void SameDriver::handed_out(std::uint16_t queue, const QueueAddresses& at, std::uint32_t base,
                            bool last) noexcept {
  HandedOut& handed = record_.rings[queue].handed;
  store(handed.valid, 0);
  handed.at = at;
  handed.base = base;
  store(handed.valid, 1);
  if (last) store(record_.driver_open, 1);
}

void SameDriver::set_up_anew(std::uint16_t queue, bool last) noexcept {
  store(record_.rings[queue].handed.valid, 0);
  if (last) store(record_.driver_open, 1);
}

void SameDriver::another() noexcept {
  store(record_.driver_open, 0);
  for (RingRecord& ring : record_.rings) store(ring.handed.valid, 0);
}

SameDriver::Verdict SameDriver::starts(std::uint16_t queue, const QueueAddresses& at, std::uint32_t base,
                                       bool packed) noexcept {
  if (!open()) return Verdict::Same;
  const HandedOut& handed = record_.rings[queue].handed;
  if (handed.valid == 0 || handed.base != base || !same(handed.at, at)) {
    another();
    return Verdict::Another;
  }
  if (is_fresh_base(base, packed)) return Verdict::Unproven;
  store(record_.driver_open, 0);
  return Verdict::Same;
}

}  // namespace fallow
