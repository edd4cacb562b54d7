// Zones, a reporter and a device behind the C interface, under a virtual clock.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "fallow/c/fallow.h"
#include "tests/support/fake_port.h"
#include "tests/support/test_device.h"

namespace fallow {

// The functions of a FakePort.
inline fallow_port c_port(FakePort& port) {
  return {
      .context = &port,
      .now = [](void* p) { return static_cast<FakePort*>(p)->now().raw; },
      .wake_at = [](void* p, std::uint64_t at) { static_cast<FakePort*>(p)->wake_at({at}); },
      .relax = [](void* p) { static_cast<FakePort*>(p)->relax(); },
      .current = [](void* p) { return static_cast<FakePort*>(p)->current(); },
      .allocate = [](void* p, std::uint64_t size) { return static_cast<FakePort*>(p)->allocate({size}); },
      .release = [](void* p, void* m, std::uint64_t size) { static_cast<FakePort*>(p)->release(m, {size}); }};
}

// Memory of a C program: misaligned, and filled with what was there before.
class CMemory {
 public:
  explicit CMemory(std::uint64_t size) : bytes_(size + kShift, std::byte{0xa5}) {}
  void* get() { return bytes_.data() + kShift; }

 private:
  static constexpr std::size_t kShift = 3;
  std::vector<std::byte> bytes_;
};

inline fallow_zone_stats stats_of(const fallow_zone* zone) {
  fallow_zone_stats stats;
  EXPECT_EQ(fallow_zone_get_stats(zone, &stats), FALLOW_OK);
  return stats;
}

inline fallow_reporting_stats stats_of(const fallow_reporter* reporter) {
  fallow_reporting_stats stats;
  EXPECT_EQ(fallow_reporter_get_stats(reporter, &stats), FALLOW_OK);
  return stats;
}

// A driver's structure that records its requests in a TestDevice, and answers as the TestDevice is told.
class CTestDevice : public fallow_page_reporting_dev_info {
 public:
  explicit CTestDevice(FakePort& port, std::uint32_t entries = 32, std::uint32_t requests = 1,
                       std::uint32_t content = FALLOW_CONTENT_IS_UNKNOWN)
      : fallow_page_reporting_dev_info{.report = take,
                                       .capacity = entries,
                                       .in_flight = requests,
                                       .order = 0,
                                       .content_after = content,
                                       .context = this},
        record(port, entries, requests) {}

  TestDevice record;

 private:
  static fallow_status take(fallow_page_reporting_dev_info* prdev, const fallow_scatterlist* sg,
                            std::uint32_t nents, std::uint32_t token) {
    auto& self = *static_cast<CTestDevice*>(prdev->context);
    EXPECT_EQ(prdev, &self);
    std::vector<ScatterEntry> list;
    for (; sg != nullptr; sg = fallow_sg_next(sg)) list.push_back({{sg->pfn}, {sg->nr_pages}, sg->end != 0});
    EXPECT_EQ(list.size(), nents) << "the end bit is on the last entry";
    return static_cast<fallow_status>(self.record.report(list, token));
  }
};

class CRig {
 public:
  // Zone i starts at frame i * kGap.
  static constexpr std::uint64_t kGap = std::uint64_t{1} << 32;

  explicit CRig(std::uint64_t frames, std::size_t count = 1, std::uint32_t caches = 1) {
    const fallow_port functions = c_port(port);
    for (std::size_t i = 0; i < count; ++i) {
      const fallow_zone_config config = {.base = i * kGap, .frames = frames, .caches = caches, .flags = 0};
      const std::uint64_t size = fallow_zone_size(&config);
      memory_.emplace_back(size);
      fallow_zone* made = nullptr;
      EXPECT_EQ(fallow_zone_create(&functions, &config, memory_.back().get(), size, &made), FALLOW_OK);
      zones_.push_back(made);
    }
    const fallow_reporter_config config = {.zones = zones_.data(),
                                           .zone_count = static_cast<std::uint32_t>(count),
                                           .capacity = 0,
                                           .in_flight = 0};
    const std::uint64_t size = fallow_reporter_size(&config);
    memory_.emplace_back(size);
    EXPECT_EQ(fallow_reporter_create(&functions, &config, memory_.back().get(), size, &reporter_), FALLOW_OK);
  }
  ~CRig() {
    for (fallow_zone* zone : zones_) EXPECT_EQ(fallow_zone_check(zone, nullptr), nullptr);
    EXPECT_EQ(fallow_reporter_destroy(reporter_), FALLOW_OK) << "a test unregisters its device";
    for (fallow_zone* zone : zones_) EXPECT_EQ(fallow_zone_destroy(zone), FALLOW_OK);
    EXPECT_EQ(port.live_allocations(), 0U) << "memory of the port was lost";
  }
  CRig(const CRig&) = delete;
  CRig& operator=(const CRig&) = delete;

  fallow_zone* zone(std::size_t i = 0) { return zones_[i]; }
  fallow_cache* cache(std::uint32_t i = 0) { return fallow_zone_cache(zones_[0], i); }
  fallow_reporter* reporter() { return reporter_; }
  fallow_zone_stats stats(std::size_t i = 0) { return stats_of(zones_[i]); }

  Nanoseconds run() { return {fallow_reporter_run(reporter_)}; }
  void pass_time(Nanoseconds time) { port.run_until(port.now() + time, worker_of(*this)); }
  void run_due() { pass_time({}); }

  void register_device(CTestDevice& device, const char* policy) {
    ASSERT_EQ(fallow_page_reporting_register(reporter_, &device, policy), FALLOW_OK);
  }
  void unregister_device(CTestDevice& device) {
    ASSERT_EQ(fallow_page_reporting_unregister(reporter_, &device), FALLOW_OK);
  }

  // Allocates everything, in blocks of 512 frames where possible.
  void fill(std::size_t i = 0) {
    fallow_cache* const cache = fallow_zone_cache(zones_[i], 0);
    for (const std::uint32_t order : {9U, 0U}) {
      while (fallow_allocate(cache, order, FALLOW_MOVABLE).status == FALLOW_OK) {
      }
    }
  }
  // Frees `count` blocks of `order`, `step` frames apart, and drains the cache.
  void free_blocks(std::uint64_t first, std::uint32_t order, std::uint64_t count, std::uint64_t step) {
    fallow_zone* const zone = zones_[first / kGap];
    for (std::uint64_t i = 0; i < count; ++i)
      ASSERT_EQ(fallow_free(fallow_zone_cache(zone, 0), first + i * step, order), FALLOW_OK);
    ASSERT_EQ(fallow_cache_drain(fallow_zone_cache(zone, 0)), FALLOW_OK);
  }

  FakePort port;

 private:
  std::vector<CMemory> memory_;
  std::vector<fallow_zone*> zones_;
  fallow_reporter* reporter_ = nullptr;
};

}  // namespace fallow
