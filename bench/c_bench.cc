// Compares the C interface with C++ on the same cache of the same zone, in turn. bench/README.md explains the
// figures.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "bench/c_loops.h"
#include "bench/yardstick.h"
#include "fallow/c/detail/zone_handle.h"
#include "fallow/c/fallow.h"
#include "fallow/host/hosted_port.h"

namespace fallow::bench {
namespace {

constexpr std::uint64_t kFrames = 1 << 18;  // 1 GiB
constexpr std::uint64_t kRounds = 1'000'000;
constexpr int kSamples = 41;

void check(bool ok) {
  if (ok) return;
  std::cerr << "c_bench: a call was refused\n";
  std::exit(1);
}

class CZone {
 public:
  CZone() {
    const fallow_port port = {
        .context = this,
        .now = [](void* self) { return static_cast<CZone*>(self)->port_.now().raw; },
        .wake_at = nullptr,
        .relax = [](void* self) { static_cast<CZone*>(self)->port_.relax(); },
        .current = [](void* self) { return static_cast<CZone*>(self)->port_.current(); },
        .allocate = nullptr,
        .release = nullptr};
    const fallow_zone_config config = {0, kFrames, 1, 0};
    tables_.resize(fallow_zone_size(&config));
    fallow_zone* zone = nullptr;
    check(fallow_zone_create(&port, &config, tables_.data(), tables_.size(), &zone) == FALLOW_OK);
    cache = fallow_zone_cache(zone, 0);
  }

  fallow_cache* cache = nullptr;

 private:
  HostedPort port_;
  std::vector<std::byte> tables_;
};

// The same loops in C++. Not inlined, as those in C are not.
[[gnu::noinline]] bool pairs(LocalCache& cache, std::uint64_t rounds) {
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const Allocation got = cache.allocate();
    if (!got.ok() || cache.free(got.pfn) != Status::Ok) return false;
  }
  return true;
}
[[gnu::noinline]] bool take(LocalCache& cache, std::uint64_t* pfns, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const Allocation got = cache.allocate();
    if (!got.ok()) return false;
    pfns[i] = got.pfn.raw;
  }
  return true;
}
[[gnu::noinline]] bool give(LocalCache& cache, const std::uint64_t* pfns, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (cache.free({pfns[i]}) != Status::Ok) return false;
  }
  return true;
}

// Processor nanoseconds of one operation, of both.
struct Sample {
  double c = 0, cpp = 0;
};

template <class Work>
double time_of(std::uint64_t operations, Work work) {
  const double start = thread_time();
  const bool ok = work();
  const double time = thread_time() - start;
  check(ok);
  return time / static_cast<double>(operations);
}

// Takes samples in turn, C first in every second one, and reports medians: of the times, and of the ratios.
template <class Measure>
void compare(benchmark::State& state, Measure measure) {
  std::vector<double> c, cpp, ratio;
  for (auto _ : state) {
    for (int i = 0; i < kSamples; ++i) {
      Sample sample;
      measure(sample, i % 2 == 0);
      c.push_back(sample.c);
      cpp.push_back(sample.cpp);
      ratio.push_back(sample.c / sample.cpp);
    }
  }
  const auto median = [](std::vector<double>& of) {
    std::sort(of.begin(), of.end());
    return of[of.size() / 2];
  };
  state.counters["ns"] = median(c);
  state.counters["cpp_ns"] = median(cpp);
  state.counters["over_cpp"] = median(ratio);
}

template <class InC, class InCpp>
void in_turn(bool c_first, InC in_c, InCpp in_cpp) {
  if (c_first) in_c();
  in_cpp();
  if (!c_first) in_c();
}

void register_all() {
  static CZone zone;
  static std::vector<std::uint64_t> list(kFrames / 2);
  fallow_cache* const c = zone.cache;
  LocalCache& cpp = *detail::from_c(c);
  const auto add = [](const char* name, auto measure) {
    benchmark::RegisterBenchmark(name, [measure](benchmark::State& s) {
      compare(s, measure);
    })->Iterations(1);
  };
  add("c/pairs", [=, &cpp](Sample& s, bool c_first) {
    in_turn(
        c_first, [&] { s.c = time_of(kRounds, [&] { return c_pairs(c, kRounds) != 0; }); },
        [&] { s.cpp = time_of(kRounds, [&] { return pairs(cpp, kRounds); }); });
  });
  const auto both_ways = [=, &cpp](Sample& taken, Sample& given, bool c_first, auto c_take_with,
                                   auto c_give_with) {
    std::uint64_t* const pfns = list.data();
    const std::uint64_t n = list.size();
    in_turn(
        c_first,
        [&] {
          taken.c = time_of(n, [&] { return c_take_with(c, pfns, n) != 0; });
          given.c = time_of(n, [&] { return c_give_with(c, pfns, n) != 0; });
          cpp.retire();
        },
        [&] {
          taken.cpp = time_of(n, [&] { return take(cpp, pfns, n); });
          given.cpp = time_of(n, [&] { return give(cpp, pfns, n); });
          cpp.retire();
        });
  };
  add("c/allocate", [=](Sample& s, bool first) {
    Sample other;
    both_ways(s, other, first, c_take, c_give);
  });
  add("c/free", [=](Sample& s, bool first) {
    Sample other;
    both_ways(other, s, first, c_take, c_give);
  });
  add("c/allocate_bulk", [=](Sample& s, bool first) {
    Sample other;
    both_ways(s, other, first, c_take_bulk, c_give_bulk);
  });
  add("c/free_bulk", [=](Sample& s, bool first) {
    Sample other;
    both_ways(other, s, first, c_take_bulk, c_give_bulk);
  });
}

}  // namespace
}  // namespace fallow::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  fallow::bench::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
