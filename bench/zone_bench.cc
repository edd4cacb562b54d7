// What the zone costs, a frame, in nanoseconds and in yardsticks. How to read it: bench/README.md.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <barrier>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "bench/yardstick.h"
#include "fallow/platform/hosted_port.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

namespace fallow::bench {
namespace {

constexpr std::uint64_t kFrames = std::uint64_t{2} << 20;  // 8 GiB

[[noreturn]] void give_up(const char* what) {
  std::cerr << "zone_bench: " << what << "\n";
  std::exit(1);
}

// An 8 GiB zone and a list of frames, all of whose memory has been touched.
class Bench {
 public:
  explicit Bench(std::uint32_t threads) : list_(kFrames) {
    const ZoneConfig config{{0}, {kFrames}, threads};
    const std::size_t size = Zone::metadata_size(config).raw;
    memory_.reset(new (std::align_val_t{64}) std::byte[size]());
    const Result<Zone*> zone = Zone::create(port_, config, {memory_.get(), size});
    if (!zone.ok()) give_up("the zone cannot be made");
    zone_ = zone.value();
  }

  LocalCache& cache(std::uint32_t i = 0) { return zone_->cache(i); }

  // `n` blocks of `order` into the list, from place `at` on.
  void allocate(std::uint32_t c, Order order, std::uint64_t at, std::uint64_t n) {
    LocalCache& cache = zone_->cache(c);
    for (std::uint64_t i = at; i < at + n; ++i) {
      const Allocation got = cache.allocate(order);
      if (!got.ok()) [[unlikely]]
        give_up("out of memory");
      list_[i] = got.pfn;
    }
  }
  void free(std::uint32_t c, Order order, std::uint64_t at, std::uint64_t n) {
    LocalCache& cache = zone_->cache(c);
    for (std::uint64_t i = at; i < at + n; ++i) {
      if (cache.free(list_[i], order) != Status::Ok) [[unlikely]]
        give_up("a free was refused");
    }
  }
  void shuffle(std::uint64_t n) {
    std::shuffle(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(n), std::mt19937_64(1));
  }

 private:
  struct Release {
    void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{64}); }
  };
  HostedPort port_;
  std::unique_ptr<std::byte[], Release> memory_;
  Zone* zone_ = nullptr;
  std::vector<Pfn> list_;
};

// Times what is between start() and stop() of each iteration, and tells the best iteration in nanoseconds and
// yardsticks for each of `operations`; the yardstick is taken before and after.
class Meter {
 public:
  explicit Meter(benchmark::State& state) : state_(state), before_(yardstick()) {}
  void start() { start_ = thread_time(); }
  void stop() { add(thread_time() - start_); }
  // For what other threads have timed.
  void add(double nanoseconds) {
    state_.SetIterationTime(nanoseconds / 1e9);
    best_ = std::min(best_, nanoseconds);
  }
  void tell(std::uint64_t operations) {
    const double one = best_ / static_cast<double>(operations), unit = std::min(before_, yardstick());
    state_.counters["ns"] = one;
    state_.counters["yardsticks"] = one / unit;
    state_.counters["yardstick_ns"] = unit;
  }

 private:
  benchmark::State& state_;
  double before_;
  double start_ = 0;
  double best_ = 1e18;
};

void allocate_all(benchmark::State& state, Order order) {
  Bench bench(1);
  const std::uint64_t n = kFrames / frames(order).raw;
  Meter meter(state);
  for (auto _ : state) {
    meter.start();
    bench.allocate(0, order, 0, n);
    meter.stop();
    bench.free(0, order, 0, n);
    bench.cache().retire();
  }
  meter.tell(n);
}

void free_all(benchmark::State& state, Order order) {
  Bench bench(1);
  const std::uint64_t n = kFrames / frames(order).raw;
  Meter meter(state);
  for (auto _ : state) {
    bench.allocate(0, order, 0, n);
    meter.start();
    bench.free(0, order, 0, n);
    bench.cache().drain();
    meter.stop();
    bench.cache().retire();
  }
  meter.tell(n);
}

// Half of the zone is in use; one more is allocated and freed at once.
void allocate_then_free(benchmark::State& state, Order order) {
  Bench bench(1);
  const std::uint64_t half = kFrames / 2 / frames(order).raw, rounds = 1'000'000;
  bench.allocate(0, order, 0, half);
  LocalCache& cache = bench.cache();
  Meter meter(state);
  for (auto _ : state) {
    meter.start();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const Allocation got = cache.allocate(order);
      if (!got.ok() || cache.free(got.pfn, order) != Status::Ok) [[unlikely]]
        give_up("allocate or free failed");
    }
    meter.stop();
  }
  meter.tell(rounds);
}

void free_in_random_order(benchmark::State& state) {
  Bench bench(1);
  Meter meter(state);
  for (auto _ : state) {
    bench.allocate(0, {}, 0, kFrames);
    bench.shuffle(kFrames);
    meter.start();
    bench.free(0, {}, 0, kFrames);
    bench.cache().drain();
    meter.stop();
    bench.cache().retire();
  }
  meter.tell(kFrames);
}

// Each of two threads allocates half of the zone and frees it, or the half of the other: the processor time
// of the slower one for a frame of its own.
void two_threads(benchmark::State& state, bool each_others) {
  constexpr std::uint64_t kHalf = kFrames / 2 - kBlockFrames;
  Bench bench(2);
  Meter meter(state);
  for (auto _ : state) {
    std::barrier together(2);
    double times[2] = {};
    const auto work = [&](std::uint32_t c) {
      together.arrive_and_wait();
      const double start = thread_time();
      bench.allocate(c, {}, c * kHalf, kHalf);
      const double allocated = thread_time();
      together.arrive_and_wait();
      const double all_allocated = thread_time();
      bench.free(c, {}, (each_others ? 1 - c : c) * kHalf, kHalf);
      bench.cache(c).drain();
      times[c] = allocated - start + thread_time() - all_allocated;
    };
    std::thread first(work, 0), second(work, 1);
    first.join();
    second.join();
    meter.add(std::max(times[0], times[1]));
    bench.cache(0).retire();
    bench.cache(1).retire();
  }
  meter.tell(kHalf);
}

void register_all() {
  const auto add = [](const char* name, auto function) {
    benchmark::RegisterBenchmark(name, function)->UseManualTime()->Unit(benchmark::kMillisecond)->MinTime(1);
  };
  for (const Order order : {Order{0}, Order{3}, Order{9}}) {
    const std::string name = "order" + std::to_string(order.raw);
    add((name + "/allocate").c_str(), [order](benchmark::State& s) { allocate_all(s, order); });
    add((name + "/free").c_str(), [order](benchmark::State& s) { free_all(s, order); });
    add((name + "/allocate_then_free").c_str(),
        [order](benchmark::State& s) { allocate_then_free(s, order); });
  }
  add("order0/free_in_random_order", free_in_random_order);
  add("order0/two_threads/own_frames", [](benchmark::State& s) { two_threads(s, false); });
  add("order0/two_threads/each_others_frames", [](benchmark::State& s) { two_threads(s, true); });
}

}  // namespace
}  // namespace fallow::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  fallow::bench::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
