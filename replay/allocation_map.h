// Maps each allocated frame of the recorded machine to a value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "fallow/base/units.h"

namespace fallow::replay {

// A frame is *live* while it has a value. Any frame number may be live. Memory: 2 KiB for each aligned run of
// 512 frames (a page) with a live frame, plus up to 16 MiB. Not thread-safe.
class AllocationMap {
 public:
  using Value = std::uint32_t;
  static constexpr Value kNotLive = 0;
  static constexpr std::size_t kMaxPages = std::size_t{1} << 20;  // 2 GiB of values

  explicit AllocationMap(std::size_t max_pages = kMaxPages) : max_pages_(max_pages) {
    recent_.fill({kNoPage, nullptr});
  }
  AllocationMap(const AllocationMap&) = delete;
  AllocationMap& operator=(const AllocationMap&) = delete;

  // Returns the number of pages in use, including pages kept without a live frame.
  std::size_t pages() const { return pages_.size(); }

  // Removes and returns the value of a frame. Returns kNotLive if the frame was not live.
  Value take(Pfn pfn) {
    Page* const page = find(pfn);
    if (page == nullptr) return kNotLive;
    Value& slot = page->values[pfn.raw % kPageFrames];
    const Value value = slot;
    if (value == kNotLive) return kNotLive;
    slot = kNotLive;
    if (--page->live == 0) release(pfn);
    return value;
  }

  // Sets a value other than kNotLive for a frame that is not live. Returns false if the live frames are
  // spread over too many pages or if there is no memory.
  bool put(Pfn pfn, Value value) {
    Page* page = find(pfn);
    if (page == nullptr) page = add(pfn);
    if (page == nullptr) return false;
    page->values[pfn.raw % kPageFrames] = value;
    ++page->live;
    return true;
  }

 private:
  static constexpr std::uint64_t kPageFrames = 512;
  static constexpr std::size_t kRecent = 1024;
  static constexpr std::size_t kKeptEmpty = 8192;
  static constexpr std::uint64_t kNoPage = ~std::uint64_t{0};

  struct Page {
    std::uint32_t live = 0;
    std::array<Value, kPageFrames> values{};
  };
  // An entry of the direct-mapped cache in front of the hash table.
  struct Recent {
    std::uint64_t number;
    Page* page;
  };

  Page* find(Pfn pfn) {
    const std::uint64_t number = pfn.raw / kPageFrames;
    const Recent& recent = recent_[number % kRecent];
    return recent.number == number ? recent.page : find_slow(number);
  }
  Page* find_slow(std::uint64_t number);
  Page* add(Pfn pfn);
  void release(Pfn pfn);

  const std::size_t max_pages_;
  std::array<Recent, kRecent> recent_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace fallow::replay
