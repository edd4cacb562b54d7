// Runs every pattern on one allocator, as a benchmark of its name.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "bench/patterns.h"

namespace fallow::bench {

// Tells the median and the best of the iterations, in nanoseconds and in yardsticks measured before and
// after.
template <class Run>
void measure(benchmark::State& state, Run run) {
  const double before = yardstick();
  std::vector<double> times;
  run();  // whatever is built up at first use
  for (auto _ : state) {
    times.push_back(run());
    state.SetIterationTime(times.back() / 1e9);
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2], unit = std::min(before, yardstick());
  state.counters["ns"] = median;
  state.counters["yardsticks"] = median / unit;
  state.counters["best_yardsticks"] = times.front() / unit;
  state.counters["yardstick_ns"] = unit;
}

// `orders`: which are tried in the patterns of one order.
template <class Pages>
void register_patterns(std::uint64_t frames, std::initializer_list<unsigned> orders) {
  using P = Patterns<Pages>;
  static Pages pages(frames);
  static P patterns(pages, frames);
  const auto add = [](const std::string& name, auto run) {
    benchmark::RegisterBenchmark(name.c_str(), [run](benchmark::State& s) { measure(s, run); })
        ->UseManualTime()
        ->Unit(benchmark::kNanosecond)
        ->Iterations(11);
  };
  const auto add_all = [&](const char* name, double (P::*pattern)(unsigned)) {
    for (const unsigned order : orders)
      add("order" + std::to_string(order) + "/" + name,
          [pattern, order] { return (patterns.*pattern)(order); });
  };
  add_all("allocate", &P::allocate);
  add_all("free", &P::free);
  add_all("allocate_then_free", &P::allocate_then_free);
  add_all("free_in_random_order", &P::free_in_random_order);
  add_all("replace_when_nearly_full", &P::replace_when_nearly_full);
  add("mixed_orders", [] { return patterns.mixed_orders(); });
  add_all("two_threads/allocate", &P::two_threads_allocate);
  add_all("two_threads/free", &P::two_threads_free);
  add_all("two_threads/free_each_others", &P::two_threads_free_each_others);
  add_all("two_threads/allocate_then_free", &P::two_threads_allocate_then_free);
}

inline int run_benchmarks(int argc, char** argv) {
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace fallow::bench
