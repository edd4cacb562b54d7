#include "guest/kernel/guest_errors.h"

#include "guest/kernel/event.h"

namespace fallow::guest {

void GuestErrors::corrupted(Pfn pfn, std::uint64_t expected, std::uint64_t found) noexcept {
  if (corrupted_.fetch_add(1, std::memory_order_relaxed) != 0) return;
  first_.store(pfn.raw, std::memory_order_relaxed);
  Event("corrupted").hex("pfn", pfn.raw).hex("expected", expected).hex("found", found).say(machine_);
}

void GuestErrors::complain(StringRef sentence) noexcept {
  if (!complaining_.exchange(true, std::memory_order_relaxed)) complaint_.put(sentence);
}

}  // namespace fallow::guest
