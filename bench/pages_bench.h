// Runs each pattern on one allocator as a named benchmark.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/patterns.h"

namespace fallow::bench {

// Reports the median and the best iteration, in nanoseconds and in yardsticks measured before and after.
template <class Run>
void measure(benchmark::State& state, Run run) {
  const double before = yardstick();
  std::vector<double> times;
  run();  // builds up the state of the first use
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

template <class Run>
void add_benchmark(const std::string& name, Run run) {
  benchmark::RegisterBenchmark(name.c_str(), [run](benchmark::State& s) { measure(s, run); })
      ->UseManualTime()
      ->Unit(benchmark::kNanosecond)
      ->Iterations(11);
}

template <class Pages, unsigned kOrder>
void register_order(Pages& pages, std::uint64_t frames) {
  using P = Patterns<Pages, kOrder>;
  static P patterns(pages, frames);
  const auto add = [](const char* name, double (P::*pattern)()) {
    add_benchmark("order" + std::to_string(kOrder) + "/" + name, [pattern] { return (patterns.*pattern)(); });
  };
  add("allocate", &P::allocate);
  add("free", &P::free);
  add("allocate_then_free", &P::allocate_then_free);
  add("free_in_random_order", &P::free_in_random_order);
  add("replace_when_nearly_full", &P::replace_when_nearly_full);
  add("two_threads/allocate", &P::two_threads_allocate);
  add("two_threads/free", &P::two_threads_free);
  add("two_threads/free_each_others", &P::two_threads_free_each_others);
  add("two_threads/allocate_then_free", &P::two_threads_allocate_then_free);
}

// `kOrders`: the orders of the single-order patterns.
template <class Pages, unsigned... kOrders>
void register_patterns(std::uint64_t frames) {
  static Pages pages(frames);
  (register_order<Pages, kOrders>(pages, frames), ...);
  add_benchmark("mixed_orders", [frames] { return mixed_orders(pages, frames); });
}

inline int run_benchmarks(int argc, char** argv) {
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace fallow::bench
