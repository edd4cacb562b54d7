// A bump allocator of pages for page tables. Pages are never returned.
#pragma once

#include <cstdint>

#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

class PagePool {
 public:
  PagePool() = default;
  // `range` is page-aligned, identity-mapped and owned by the pool.
  explicit PagePool(MemoryRange range) : left_(range) {}

  // Returns the address of a zero-filled page, or 0 if none is left.
  std::uint64_t take() {
    if (left_.end - left_.begin < 4096) return 0;
    const std::uint64_t page = left_.begin;
    left_.begin += 4096;
    auto* const words = reinterpret_cast<std::uint64_t*>(page);
    for (unsigned i = 0; i < 512; ++i) words[i] = 0;
    return page;
  }

 private:
  MemoryRange left_;
};

}  // namespace fallow::guest::x86
