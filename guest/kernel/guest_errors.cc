#include "guest/kernel/guest_errors.h"

#include "guest/kernel/event.h"

namespace fallow::guest {

void GuestErrors::corrupted(Pfn pfn, std::uint64_t expected, std::uint64_t found) noexcept {
  if (corrupted_.fetch_add(1, std::memory_order_relaxed) != 0) return;
  first_.store(pfn.raw, std::memory_order_relaxed);
  Event("corrupted").hex("pfn", pfn.raw).hex("expected", expected).hex("found", found).write_to(machine_);
}

void GuestErrors::record_error(StringRef sentence) noexcept {
  if (!has_error_.exchange(true, std::memory_order_relaxed)) error_text_.put(sentence);
}

}  // namespace fallow::guest
