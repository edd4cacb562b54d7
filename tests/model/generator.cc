#include "tests/model/generator.h"

#include <algorithm>
#include <iterator>

namespace fallow::model {

void Generator::new_phase() {
  constexpr std::uint64_t kTargets[] = {0, 5, 30, 60, 90, 100, 101};
  constexpr unsigned kLargest[] = {0, 0, 3, 5, 8, 10, 11};
  left_in_phase_ = 500 + below(6000);
  target_percent_ = kTargets[below(std::size(kTargets))];
  largest_order_ = kLargest[below(std::size(kLargest))];
  mostly_single_ = below(3) != 0;
  one_mobility_ = below(3) == 0;
}

Operation Generator::next(const Machine& machine) {
  if (left_in_phase_-- == 0) new_phase();
  const std::uint64_t dice = below(1000);
  if (dice < 60) return some_event(machine);
  if (dice < 90) return wild_free(machine);
  const std::uint64_t size = machine.oracle().size().raw, used = machine.oracle().allocated().raw;
  const bool fill = used * 100 < size * target_percent_;
  if (below(10) < (fill ? 8 : 2) || used == 0) return some_allocation(machine);
  return last_freed_ = some_free(machine);
}

unsigned Generator::some_order() {
  if (mostly_single_ && below(8) != 0) return 0;
  return static_cast<unsigned>(below(largest_order_ + 1));
}

Operation Generator::some_allocation(const Machine& machine) {
  const auto mobility = one_mobility_ ? Mobility::Movable : static_cast<Mobility>(below(kMobilities));
  return allocate(static_cast<std::uint32_t>(below(machine.caches())), some_order(), mobility);
}

// Chooses an allocated frame, and the largest block around it, up to a random order, that is completely
// allocated: an allocation, a part of one, or several at once.
Operation Generator::some_free(const Machine& machine) {
  const Oracle& oracle = machine.oracle();
  const Pfn frame = oracle.allocated_frame(below(oracle.allocated().raw));
  const std::uint32_t cache = static_cast<std::uint32_t>(below(machine.caches()));
  for (unsigned order = below(2) == 0 ? 0 : static_cast<unsigned>(below(11)); order > 0; --order) {
    const PfnCount n = frames({static_cast<std::uint8_t>(order)});
    const Pfn first{frame.raw & ~(n.raw - 1)};
    if (oracle.contains(first, n) && oracle.all_allocated(first, n)) return free(cache, first.raw, order);
  }
  return free(cache, frame.raw, 0);
}

// Chooses a block anywhere in the zone or slightly beyond, of any order, usually aligned; occasionally at an
// impossible address.
Operation Generator::wild_free(const Machine& machine) {
  const Oracle& oracle = machine.oracle();
  // The last freed block is freed again, through any cache: it may be in a hand, pending, or flushed.
  if (last_freed_.value != 0 && below(4) == 0) {
    return free(static_cast<std::uint32_t>(below(machine.caches())), last_freed_.value, 0);
  }
  if (below(16) == 0) {
    constexpr std::uint64_t kEdges[] = {0,
                                        1,
                                        (std::uint64_t{1} << 52) - 1,
                                        (std::uint64_t{1} << 56) - 1,
                                        std::uint64_t{1} << 56,
                                        std::uint64_t{1} << 63,
                                        ~std::uint64_t{0} - 1023,
                                        ~std::uint64_t{0} - 1,
                                        ~std::uint64_t{0}};
    return free(static_cast<std::uint32_t>(below(machine.caches())), kEdges[below(std::size(kEdges))],
                static_cast<unsigned>(below(2) * below(12)));
  }
  const std::uint64_t margin = std::min<std::uint64_t>(oracle.base().raw, 1100);
  std::uint64_t pfn = oracle.base().raw - margin + below(oracle.size().raw + 2 * margin);
  const unsigned order = static_cast<unsigned>(below(4) != 0 ? below(6) : below(13));
  if (below(4) != 0) pfn &= ~((std::uint64_t{1} << order) - 1);
  return free(static_cast<std::uint32_t>(below(machine.caches())), pfn, order);
}

Operation Generator::some_event(const Machine& machine) {
  const std::uint32_t cache = static_cast<std::uint32_t>(below(machine.caches()));
  const std::uint64_t dice = below(1000);
  if (dice < 450) return advance(below(10) == 0 ? below(5'000'000'000) : below(200'000'000));
  if (dice < 600) return drain(cache);
  if (dice < 700) return retire(cache);
  if (dice < 780) return request_drain();
  if (dice < 880) return meddle_next(static_cast<unsigned>(below(11)));
  if (dice < 920) return fail_next(1 + below(5));
  if (dice < 980) {
    if (machine.registered() && below(4) == 0) return unregister_device();
    return register_device(static_cast<unsigned>(below(Machine::kPolicies)),
                           below(20) == 0 ? 0 : 1 + below(64));
  }
  return dice < 990 ? forget_reported() : unregister_device();
}

}  // namespace fallow::model
