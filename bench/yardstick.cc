#include "bench/yardstick.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace fallow::bench {

double thread_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double yardstick() {
  constexpr unsigned kRounds = 7, kExchanges = 500'000;
  alignas(64) std::atomic<std::uint64_t> cell{0};
  double best = 1e9;
  // Takes the best of several rounds: an interruption only makes a round longer.
  for (unsigned round = 0; round < kRounds; ++round) {
    std::uint64_t value = round;
    const double start = thread_time();
    for (unsigned i = 0; i < kExchanges; ++i) value = cell.exchange(value + i, std::memory_order_seq_cst);
    best = std::min(best, (thread_time() - start) / kExchanges);
  }
  return best;
}

}  // namespace fallow::bench
