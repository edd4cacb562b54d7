// Real memory behind the zones, with a stamp at both ends of each frame. The owner of a frame writes and
// reads it with plain accesses, so a frame with two owners shows as a wrong stamp, and as a data race.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include "fallow/base/scatterlist.h"
#include "fallow/host/anonymous_backing.h"

namespace fallow {

class StampedMemory {
 public:
  StampedMemory(Pfn first, PfnCount size) {
    Expected<AnonymousBacking> made = AnonymousBacking::create({.first = first, .size = size});
    FALLOW_CHECK(made);
    memory_ = std::move(made.object);
  }

  void stamp(Pfn first, PfnCount count, std::uint64_t value) {
    for (std::uint64_t i = 0; i < count.raw; ++i) {
      std::uint64_t* const words = words_of(first + PfnCount{i});
      words[0] = words[kLast] = value + i;
    }
  }
  void check(Pfn first, PfnCount count, std::uint64_t value) {
    for (std::uint64_t i = 0; i < count.raw; ++i)
      expect(first + PfnCount{i}, value + i, "is not its owner's");
  }
  void check_zero(Pfn first, PfnCount count) {
    for (std::uint64_t i = 0; i < count.raw; ++i) expect(first + PfnCount{i}, 0, "is not zero as promised");
  }

  // Overwrites reported frames, as the owner of the memory may.
  void overwrite(Scatterlist list, std::uint64_t value, bool whole) {
    for (const ScatterEntry& e : list) {
      if (whole) std::memset(words_of(e.first), static_cast<int>(value & 0xff), bytes(e.count).raw);
      for (std::uint64_t i = 0; i < e.count.raw; ++i) {
        std::uint64_t* const words = words_of(e.first + PfnCount{i});
        words[0] = words[kLast] = value;
      }
    }
  }

  std::uint64_t corrupted() const { return corrupted_; }

 private:
  static constexpr std::size_t kLast = kFrameSize / sizeof(std::uint64_t) - 1;

  std::uint64_t* words_of(Pfn pfn) { return reinterpret_cast<std::uint64_t*>(memory_->address(pfn)); }
  void expect(Pfn pfn, std::uint64_t value, const char* what) {
    const std::uint64_t* const words = words_of(pfn);
    if (words[0] == value && words[kLast] == value) return;
    if (corrupted_.fetch_add(1) < 10) {
      std::fprintf(stderr, "frame %#llx %s: %#llx ... %#llx instead of %#llx\n",
                   static_cast<unsigned long long>(pfn.raw), what, static_cast<unsigned long long>(words[0]),
                   static_cast<unsigned long long>(words[kLast]), static_cast<unsigned long long>(value));
    }
  }

  std::unique_ptr<AnonymousBacking> memory_;
  std::atomic<std::uint64_t> corrupted_{0};
};

}  // namespace fallow
