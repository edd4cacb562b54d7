// Patterns for the comparison of page allocators, independent of the allocator.
#pragma once

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "bench/yardstick.h"

namespace fallow::bench {

inline constexpr unsigned kPatternThreads = 2;

template <class Work>
double timed(Work work) {
  const double start = thread_time();
  work();
  return thread_time() - start;
}

// `Pages` is the allocator. allocate(thread, order) and free(thread, Block, order) are called by that thread
// only. settle(thread) makes the frees of the thread available to all threads. After forget(), no thread
// holds a private block. A block has 4 KiB << order.
//
// Each pattern returns the processor nanoseconds of one operation. The untimed parts leave as much memory in
// use as before.
template <class Pages, unsigned kOrder>
class Patterns {
 public:
  using Block = typename Pages::Block;

  Patterns(Pages& pages, std::uint64_t frames) : pages_(pages), frames_(frames) {}

  double allocate() {
    const std::uint64_t n = fill_list();
    const double time = timed([&] { take(0, 0, n); });
    give(0, 0, n);
    pages_.forget();
    return time / static_cast<double>(n);
  }

  double free() {
    const std::uint64_t n = fill_list();
    take(0, 0, n);
    const double time = timed([&] { give(0, 0, n); });
    pages_.forget();
    return time / static_cast<double>(n);
  }

  double free_in_random_order() {
    const std::uint64_t n = fill_list();
    take(0, 0, n);
    std::shuffle(list_.begin(), list_.end(), random_);
    const double time = timed([&] { give(0, 0, n); });
    pages_.forget();
    return time / static_cast<double>(n);
  }

  // Half is in use; allocates one more block and frees it at once.
  double allocate_then_free() {
    constexpr std::uint64_t kRounds = 1'000'000;
    const std::uint64_t half = fill_list() / 2;
    take(0, 0, half);
    const double time = timed([&] {
      for (std::uint64_t i = 0; i < kRounds; ++i) pages_.free(0, pages_.allocate(0, kOrder), kOrder);
    });
    give(0, 0, half);
    pages_.forget();
    return time / kRounds;
  }

  // Nearly all memory is in use; frees a random block and allocates one.
  double replace_when_nearly_full() {
    constexpr std::uint64_t kRounds = 200'000;
    const std::uint64_t n = fill_list() * 49 / 50;
    take(0, 0, n);
    std::vector<std::uint64_t> which(kRounds);
    for (std::uint64_t& i : which) i = random_() % n;
    const double time = timed([&] {
      for (const std::uint64_t i : which) {
        pages_.free(0, list_[i], kOrder);
        list_[i] = pages_.allocate(0, kOrder);
      }
    });
    give(0, 0, n);
    pages_.forget();
    return time / kRounds;
  }

  // Two threads at once, each with a part of the memory; the time of one operation of the slower thread.
  double two_threads_allocate() { return two_threads(false).allocate; }
  double two_threads_free() { return two_threads(false).free; }
  double two_threads_free_each_others() { return two_threads(true).free; }
  double two_threads_allocate_then_free() {
    constexpr std::uint64_t kRounds = 1'000'000;
    double times[kPatternThreads] = {};
    both([&](unsigned t, std::barrier<>& together) {
      pages_.free(t, pages_.allocate(t, kOrder), kOrder);
      together.arrive_and_wait();
      times[t] = timed([&] {
        for (std::uint64_t i = 0; i < kRounds; ++i) pages_.free(t, pages_.allocate(t, kOrder), kOrder);
      });
      pages_.settle(t);
    });
    pages_.forget();
    return std::max(times[0], times[1]) / kRounds;
  }

 private:
  struct Times {
    double allocate, free;
  };

  std::uint64_t fill_list() {
    list_.resize(frames_ >> kOrder);
    return list_.size();
  }
  void take(unsigned thread, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; ++i) list_[i] = pages_.allocate(thread, kOrder);
  }
  void give(unsigned thread, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; ++i) pages_.free(thread, list_[i], kOrder);
    pages_.settle(thread);
  }

  template <class Work>
  static void both(Work work) {
    std::barrier together(kPatternThreads);
    std::thread other([&] { work(1U, together); });
    work(0U, together);
    other.join();
  }

  Times two_threads(bool each_others) {
    // Some memory stays unused: blocks that one thread owns are not available to the other.
    const std::uint64_t n = fill_list() * 31 / 64;
    Times times[kPatternThreads] = {};
    both([&](unsigned t, std::barrier<>& together) {
      together.arrive_and_wait();
      times[t].allocate = timed([&] { take(t, t * n, t * n + n); });
      together.arrive_and_wait();
      const std::uint64_t from = (each_others ? 1 - t : t) * n;
      times[t].free = timed([&] { give(t, from, from + n); });
    });
    pages_.forget();
    const auto slower = [n](double a, double b) { return std::max(a, b) / static_cast<double>(n); };
    return {slower(times[0].allocate, times[1].allocate), slower(times[0].free, times[1].free)};
  }

  Pages& pages_;
  const std::uint64_t frames_;
  std::vector<Block> list_;
  std::mt19937_64 random_{1};
};

// Orders 0 to 9, smaller orders more often: allocates until half of the memory is in use, then frees in
// random order. The time covers both.
template <class Pages>
double mixed_orders(Pages& pages, std::uint64_t frames) {
  std::mt19937_64 random(1);
  struct Piece {
    unsigned order;
    typename Pages::Block block;
  };
  std::vector<Piece> pieces;
  for (std::uint64_t used = 0; used < frames / 2; used += std::uint64_t{1} << pieces.back().order) {
    const unsigned draw = static_cast<unsigned>(random() % 1024);
    pieces.push_back(
        {draw == 0 ? 9U : 9U - std::min(9U, static_cast<unsigned>(std::bit_width(draw) - 1)), {}});
  }
  double time = timed([&] {
    for (Piece& piece : pieces) piece.block = pages.allocate(0, piece.order);
  });
  std::shuffle(pieces.begin(), pieces.end(), random);
  time += timed([&] {
    for (const Piece& piece : pieces) pages.free(0, piece.block, piece.order);
    pages.settle(0);
  });
  pages.forget();
  return time / (2.0 * static_cast<double>(pieces.size()));
}

}  // namespace fallow::bench
