// A zone with its tables, for tests: zone_check() runs on request, and at the end.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "fallow/platform/port.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "fallow/zone/zone_check.h"
#include "fallow/zone/zone_stats.h"

namespace fallow {

inline constexpr Order kOrder9{9}, kOrder10{10};

constexpr PfnCount mebibytes(std::uint64_t n) { return {n << 8}; }

class ZoneBox {
 public:
  ZoneBox(Port& port, PfnCount frames, std::uint32_t caches = 1, Pfn base = {})
      : port_(port), size_(Zone::metadata_size({base, frames, caches})), tables_(port.allocate(size_)) {
    const Result<Zone*> made =
        Zone::create(port, {base, frames, caches}, {static_cast<std::byte*>(tables_), size_.raw});
    FALLOW_CHECK(made.ok());
    zone_ = made.value();
  }
  ~ZoneBox() {
    check();
    port_.release(tables_, size_);
  }
  ZoneBox(const ZoneBox&) = delete;
  ZoneBox& operator=(const ZoneBox&) = delete;

  Zone& zone() { return *zone_; }
  LocalCache& cache(std::uint32_t i = 0) { return zone_->cache(i); }
  ZoneStats stats() const { return zone_stats(*zone_); }

  void check() const {
    const Violation v = zone_check(*zone_);
    EXPECT_TRUE(v.none()) << v.invariant << " at frame " << v.where.raw;
  }

  // Allocates everything, in blocks of 512 frames where possible.
  void fill() {
    for (const Order order : {kOrder9, Order{0}}) {
      while (cache().allocate(order).ok()) {
      }
    }
  }
  // Frees `count` blocks of `order`, `step` frames apart, and drains the cache.
  void free_blocks(Pfn first, Order order, std::uint64_t count, std::uint64_t step) {
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSERT_EQ(cache().free(first + PfnCount{i * step}, order), Status::Ok) << first.raw + i * step;
    }
    cache().drain();
  }

  // Checks that every frame can be allocated, so that none is lost, and frees all of them again.
  void expect_whole(std::uint64_t expected) {
    for (std::uint32_t i = 0; i < zone_->cache_count(); ++i) cache(i).drain();
    std::vector<bool> seen(zone_->size().raw);
    std::uint64_t n = 0;
    for (Allocation a = cache().allocate(); a.ok(); a = cache().allocate(), ++n) {
      const std::uint64_t at = (a.pfn - zone_->base()).raw;
      ASSERT_LT(at, seen.size());
      ASSERT_FALSE(seen[at]) << "frame " << a.pfn.raw << " was handed out twice";
      seen[at] = true;
    }
    EXPECT_EQ(n, expected) << "frames were lost";
    for (std::uint64_t at = 0; at < seen.size(); ++at) {
      if (seen[at]) {
        ASSERT_EQ(cache().free(zone_->base() + PfnCount{at}), Status::Ok);
      }
    }
    cache().drain();
    check();
  }

 private:
  Port& port_;
  ByteCount size_;
  void* tables_;
  Zone* zone_ = nullptr;
};

}  // namespace fallow
