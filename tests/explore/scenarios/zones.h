// The zones with which scenarios begin, and the checks with which several of them end.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>

#include "tests/explore/world/scenario.h"

namespace fallow::explore {

struct Range {
  std::uint64_t first, count;
};

// A zone of two blocks in which only `ranges` are free; the ranges ascend.
inline World& world_with(std::uint32_t caches, std::initializer_list<Range> ranges) {
  constexpr std::uint64_t kEnd = 2 * std::uint64_t{detail::kBlockFrames};
  World& w = world({{}, {kEnd}, caches});
  std::uint64_t at = 0;
  for (const Range& r : ranges) {
    if (r.first > at) w.withhold({at}, {r.first - at});
    at = r.first + r.count;
  }
  if (at < kEnd) w.withhold({at}, {kEnd - at});
  return w;
}

// `count` free blocks of order 9, no two of which form a pair: frames 0, 1024 and so on. 64 more frames are
// free, so that a block can still be reported when all others are allocated (R11).
inline World& single_blocks(unsigned count, std::uint32_t caches = 1) {
  World& w = world({{}, {count * std::uint64_t{1024}}, caches});
  for (unsigned i = 0; i < count; ++i) {
    const std::uint64_t spare = i + 1 == count ? 64 : 0;
    w.withhold({i * std::uint64_t{1024} + 512 + spare}, {512 - spare});
  }
  return w;
}

// Only the first `count` frames of one block are free.
inline World& few_frames(std::uint64_t count, std::uint32_t caches = 1) {
  World& w = world({{}, {1024}, caches});
  w.withhold({count}, {1024 - count});
  return w;
}

// The even frames of the first 2 * `count` frames of a block are free, which no policy above order 0 reports,
// and the two frames behind them.
inline World& single_frames(std::uint64_t count, std::uint32_t caches = 1) {
  World& w = few_frames(2 * count + 2, caches);
  for (std::uint64_t i = 0; i < count; ++i) w.withhold({2 * i + 1}, {1});
  return w;
}

// The first `count` frames of the second block are free, and 24 frames of the first that no policy from order
// 4 on reports.
inline World& crowded_block(std::uint64_t count, std::uint32_t caches = 1) {
  World& w = world({{}, {1024}, caches});
  for (std::uint64_t i = 0; i < 3; ++i) w.withhold({16 * i + 8}, {8});
  w.withhold({48}, {512 - 48});
  w.withhold({512 + count}, {512 - count});
  return w;
}

// Reports all free frames and comes to rest, before any thread starts.
inline void report_all(World& w) {
  w.work(100, seconds(10));
  if (w.reporter().reporting_requested(0)) engine().fail("the scenario's worker does not come to rest");
}

// For use beside a thread that runs a pass: allocates one frame, which the pass may have reported.
inline void allocate_beside_a_pass(World& w) {
  thread([&w] { w.allocate(0); });
  at_end([&w, refault = declare_goal("a reported frame is allocated"),
          fresh = declare_goal("a frame is allocated first")] {
    reached(refault, w.oracle().refaults() == 1);
    reached(fresh, w.oracle().refaults() == 0);
    w.settle();
  });
}

// MO-4: the next report finds every frame that is free at the end. Drains all caches first.
inline void check_all_reported(World& w, unsigned order) {
  const Order smallest{static_cast<std::uint8_t>(order)};
  for (std::uint32_t i = 0; i < w.zone().cache_count(); ++i) w.drain(i);
  w.report({.order = smallest}, w.zone().size());
  for (const std::uint64_t left : w.oracle().unreported(smallest).of) {
    if (left != 0) engine().fail("MO-4: a run that was freed is not reported");
  }
}

// A frame that one thread passes to another, or the message that there is none.
class Mail {
 public:
  static constexpr Pfn kNothing{~std::uint64_t{0} - 1};

  void post(Pfn pfn) { pfn_.store(pfn.raw, std::memory_order_release); }
  void post(Got got) { post(got.ok ? got.pfn : kNothing); }
  Pfn wait(World& w) {
    std::uint64_t raw;
    while ((raw = pfn_.load(std::memory_order_acquire)) == kEmpty) w.port().relax();
    return {raw};
  }
  bool is_posted() const { return pfn_.load(std::memory_order_acquire) != kEmpty; }

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  std::atomic<std::uint64_t> pfn_{kEmpty};
};

}  // namespace fallow::explore
