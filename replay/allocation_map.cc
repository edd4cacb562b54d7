#include "replay/allocation_map.h"

#include <new>

namespace fallow::replay {

AllocationMap::Page* AllocationMap::find_slow(std::uint64_t number) {
  const auto found = pages_.find(number);
  if (found == pages_.end()) return nullptr;
  recent_[number % kRecent] = {number, found->second.get()};
  return found->second.get();
}

AllocationMap::Page* AllocationMap::add(Pfn pfn) {
  if (pages_.size() >= max_pages_) return nullptr;
  const std::uint64_t number = pfn.raw / kPageFrames;
  try {
    Page* const page = pages_.emplace(number, std::make_unique<Page>()).first->second.get();
    recent_[number % kRecent] = {number, page};
    return page;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// Called when no frame of the page is live. Keeps a few such pages, because they are likely to be used again
// next.
void AllocationMap::release(Pfn pfn) {
  if (pages_.size() <= kKeptEmpty) return;
  const std::uint64_t number = pfn.raw / kPageFrames;
  recent_[number % kRecent] = {kNoPage, nullptr};
  pages_.erase(number);
}

}  // namespace fallow::replay
