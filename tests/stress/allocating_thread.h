// A thread that allocates, stamps, checks and frees, and passes frames to other threads.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>
#include <vector>

#include "fallow/zone/local_cache.h"
#include "tests/stress/stamped_memory.h"

namespace fallow {

struct Owned {
  std::size_t zone = 0;
  Pfn pfn;
  Order order;
  std::uint64_t stamp = 0;
};

// Frames that one thread passes to another.
class Mailbox {
 public:
  static constexpr std::size_t kMost = 64;
  bool put(const Owned& owned) {
    const std::lock_guard lock(mutex_);
    if (owned_.size() >= kMost) return false;
    owned_.push_back(owned);
    return true;
  }
  bool take(Owned* owned) {
    const std::lock_guard lock(mutex_);
    if (owned_.empty()) return false;
    *owned = owned_.back();
    owned_.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<Owned> owned_;
};

class AllocatingThread {
 public:
  // The maximum number of frames of zone 0 that a thread owns. With all threads at their limit, enough frames
  // are free that single-frame allocations never fail.
  static constexpr std::uint64_t kQuota = 3000;

  AllocatingThread(unsigned number, std::span<Zone* const> zones, StampedMemory& memory, Mailbox& mailbox)
      : number_(number),
        zones_(zones.begin(), zones.end()),
        memory_(memory),
        mailbox_(mailbox),
        random_(number + 1) {}

  void run(const std::atomic<bool>& stop) {
    while (!stop) {
      step();
      steps_.fetch_add(1, std::memory_order_relaxed);
    }
    while (!owned_.empty()) give_last();
    for (Zone* zone : zones_) zone->cache(number_).retire();
  }

  std::uint64_t steps() const { return steps_; }

 private:
  void step() {
    const unsigned dice = random_() % 256;
    if (dice == 0) {
      grow_ = !grow_;
    } else if (dice == 1) {
      zones_[random_() % zones_.size()]->cache(number_).drain();
    } else if (dice == 2) {
      zones_[random_() % zones_.size()]->cache(number_).retire();
    } else if (dice < 24) {
      pass_on();
    } else if (dice < 48) {
      Owned owned;
      if (mailbox_.take(&owned)) give(owned);
    } else if ((dice < 176) == grow_) {
      take();
    } else if (!owned_.empty()) {
      std::swap(owned_[random_() % owned_.size()], owned_.back());
      give_last();
    }
  }

  void take() {
    const std::size_t zone = random_() % zones_.size();
    // Mostly small orders.
    const std::uint8_t order = static_cast<std::uint8_t>(random_() % 4 != 0   ? 0
                                                         : random_() % 8 != 0 ? random_() % 6
                                                                              : random_() % 11);
    const Order o{order};
    if (zone == 0 && mine_in_zone_0_ + frames(o).raw > kQuota) return;
    const Allocation a =
        zones_[zone]->cache(number_).allocate(o, static_cast<Mobility>(random_() % kMobilities));
    if (!a.ok()) {
      EXPECT_EQ(a.status, Status::NoMemory);
      EXPECT_FALSE(zone == 0 && order == 0) << "R11: out of memory with a fifth of the zone free";
      if (zone != 0) grow_ = false;
      return;
    }
    EXPECT_TRUE(aligned(a.pfn, o)) << a.pfn.raw << " order " << int{order};
    if (a.content_known) memory_.check_zero(a.pfn, frames(o));
    const Owned owned{zone, a.pfn, o, random_() | 1};
    memory_.stamp(a.pfn, frames(o), owned.stamp);
    if (zone == 0) mine_in_zone_0_ += frames(o).raw;
    owned_.push_back(owned);
  }

  void pass_on() {
    if (owned_.empty() || owned_.back().order.raw > 3 || !mailbox_.put(owned_.back())) return;
    forget_last();
  }

  void give_last() {
    const Owned owned = owned_.back();
    forget_last();
    give(owned);
  }
  void forget_last() {
    if (owned_.back().zone == 0) mine_in_zone_0_ -= frames(owned_.back().order).raw;
    owned_.pop_back();
  }

  // Gives the block away as a whole, or in two halves.
  void give(const Owned& owned) {
    memory_.check(owned.pfn, frames(owned.order), owned.stamp);
    LocalCache& cache = zones_[owned.zone]->cache(number_);
    if (owned.order.raw == 0 || random_() % 2 == 0) {
      EXPECT_EQ(cache.free(owned.pfn, owned.order), Status::Ok)
          << owned.pfn.raw << " order " << int{owned.order.raw};
      return;
    }
    const Order half{static_cast<std::uint8_t>(owned.order.raw - 1)};
    EXPECT_EQ(cache.free(owned.pfn + frames(half), half), Status::Ok)
        << owned.pfn.raw << " half, order " << int{owned.order.raw};
    EXPECT_EQ(cache.free(owned.pfn, half), Status::Ok) << owned.pfn.raw << " order " << int{half.raw};
  }

  const unsigned number_;
  const std::vector<Zone*> zones_;
  StampedMemory& memory_;
  Mailbox& mailbox_;
  std::mt19937_64 random_;
  bool grow_ = true;
  std::uint64_t mine_in_zone_0_ = 0;
  std::vector<Owned> owned_;
  std::atomic<std::uint64_t> steps_{0};
};

}  // namespace fallow
