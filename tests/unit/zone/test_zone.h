// A zone with its own memory, and the walk with which every test of the zone ends.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "fallow/zone/detail/isolation.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "fallow/zone/zone_check.h"
#include "fallow/zone/zone_stats.h"
#include "tests/support/fake_port.h"

namespace fallow::detail {

// Allocates exactly the metadata that is required, so that AddressSanitizer detects an overrun.
class TestZone {
 public:
  explicit TestZone(const ZoneConfig& config) {
    const std::size_t size = Zone::metadata_size(config).raw;
    words_ = size / sizeof(std::uint64_t);
    metadata_.reset(static_cast<std::byte*>(::operator new (size, std::align_val_t{64})));
    std::memset(metadata_.get(), 0, size);
    const Result<Zone*> made = Zone::create(port_, config, {metadata_.get(), size});
    if (made.ok()) zone_ = made.value();
  }

  Zone& operator*() { return *zone_; }
  Zone* operator->() { return zone_; }
  FakePort& port() { return port_; }
  // All of the tables, for tests that damage them.
  std::span<std::uint64_t> tables() { return {reinterpret_cast<std::uint64_t*>(metadata_.get()), words_}; }

 private:
  struct Release {
    void operator()(std::byte* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };
  FakePort port_;
  std::unique_ptr<std::byte, Release> metadata_;
  std::size_t words_ = 0;
  Zone* zone_ = nullptr;
};

// 16 blocks from frame 4096 on, and two caches, unless a test makes another zone. After every test the zone
// passes zone_check(), first as it is and then with all caches retired.
class ZoneTest : public testing::Test {
 protected:
  static constexpr Pfn kBase{4096};
  static constexpr std::uint64_t kBlocks = 16;

  void SetUp() override { make({kBase, {kBlocks * kBlockFrames}, 2}); }

  void TearDown() override {
    expect_consistent();
    retire_all();
    expect_consistent();
  }

  void make(const ZoneConfig& config) { zone_ = std::make_unique<TestZone>(config); }

  Zone& zone() { return **zone_; }
  FakePort& port() { return zone_->port(); }
  LocalCache& cache(std::uint32_t i = 0) { return zone().cache(i); }

  void expect_consistent() {
    const Violation found = zone_check(zone());
    EXPECT_TRUE(found.none()) << found.invariant << ", at frame " << found.where.raw;
  }
  void drain_all() {
    for (std::uint32_t i = 0; i < zone().cache_count(); ++i) cache(i).drain();
  }
  void retire_all() {
    for (std::uint32_t i = 0; i < zone().cache_count(); ++i) cache(i).retire();
  }

  Pfn must_allocate(Order order = {}, Mobility mobility = Mobility::Movable, std::uint32_t c = 0) {
    const Allocation got = cache(c).allocate(order, mobility);
    EXPECT_TRUE(got.ok()) << "order " << int{order.raw} << ": " << describe(got.status);
    EXPECT_TRUE(aligned(got.pfn, order)) << got.pfn.raw;
    EXPECT_TRUE(zone().contains(got.pfn, frames(order))) << got.pfn.raw;
    return got.pfn;
  }
  void must_free(Pfn pfn, Order order = {}, std::uint32_t c = 0) {
    EXPECT_EQ(cache(c).free(pfn, order), Status::Ok) << pfn.raw;
  }
  std::vector<Pfn> allocate_many(std::uint64_t n, Mobility mobility = Mobility::Movable,
                                 std::uint32_t c = 0) {
    std::vector<Pfn> all;
    for (std::uint64_t i = 0; i < n; ++i) all.push_back(must_allocate({}, mobility, c));
    return all;
  }
  // Allocates single frames until there are no more.
  std::vector<Pfn> exhaust(std::uint32_t c = 0, Mobility mobility = Mobility::Movable) {
    std::vector<Pfn> all;
    for (;;) {
      const Allocation got = cache(c).allocate({}, mobility);
      if (!got.ok()) {
        EXPECT_EQ(got.status, Status::NoMemory);
        return all;
      }
      all.push_back(got.pfn);
    }
  }
  // Expects that the free is refused for this reason, names its frame, and is counted once.
  void expect_misuse(Pfn pfn, Order order, Status why, std::uint32_t c = 0) {
    const std::uint64_t before = zone().misuse().count;
    EXPECT_EQ(cache(c).free(pfn, order), why) << pfn.raw;
    EXPECT_EQ(zone().misuse().count, before + 1);
    EXPECT_EQ(zone().misuse().last_pfn.raw, pfn.raw);
    EXPECT_EQ(zone().misuse().last, why);
  }

  // Acts as a reporter whose device accepts every frame; returns the number of frames that are reported now.
  std::uint64_t report(Selection selection = {}) {
    Isolation isolation(zone().tables(), selection);
    std::vector<ScatterEntry> list(64);
    std::uint64_t total = 0;
    while (const std::uint32_t n = isolation.fill(list, {~std::uint64_t{0}})) {
      for (std::uint32_t i = 0; i < n; ++i) total += list[i].count.raw;
      put_back(zone().tables(), {list.data(), n}, true);
    }
    return total;
  }
  std::uint64_t report_order(unsigned order) {
    Selection selection;
    selection.order = Order{static_cast<std::uint8_t>(order)};
    return report(selection);
  }

  // Allocates a given wholly free block; the blocks in front of it are allocated meanwhile.
  Pfn take_whole(std::uint32_t block) {
    std::vector<Pfn> in_front;
    Pfn got = must_allocate(kBlockOrder);
    for (; block_of(got) != block && !testing::Test::HasFailure(); got = must_allocate(kBlockOrder))
      in_front.push_back(got);
    for (const Pfn pfn : in_front) must_free(pfn, kBlockOrder);
    return got;
  }
  std::uint32_t block_of(Pfn pfn) {
    return static_cast<std::uint32_t>(zone().tables().index_of(pfn) / kBlockFrames);
  }
  PfnCount used() { return zone_stats(zone()).used; }
  PfnCount free() { return zone_stats(zone()).free; }
  PfnCount reported() { return zone_stats(zone()).reported; }

 private:
  std::unique_ptr<TestZone> zone_;
};

}  // namespace fallow::detail
