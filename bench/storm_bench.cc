// Compares the cost of an allocation while the worker reports without pause with the cost while the worker
// rests. bench/README.md explains the figures.
#include <benchmark/benchmark.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "bench/tables.h"
#include "bench/yardstick.h"
#include "fallow/host/hosted_port.h"
#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

namespace fallow::bench {
namespace {

constexpr std::uint64_t kFrames = std::uint64_t{16} << 20;  // 64 GiB: a pass outlasts a phase
constexpr unsigned kSample = 512;                           // allocations timed together
constexpr std::uint64_t kTogether = kSample * 128;          // allocations of a phase, timed together
constexpr std::uint64_t kAlone = 1 << 13;                   // allocations of a phase, timed one by one
constexpr double kRest = 50'000;                            // pause of the worker, ns
constexpr unsigned kTriples = 30;                           // triples of phases, one phase of each kind

[[noreturn]] void give_up(const char* what) {
  std::cerr << "storm_bench: " << what << "\n";
  std::exit(1);
}

// Two threads on one processor would take turns and measure nothing.
void stay_on(unsigned cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (::pthread_setaffinity_np(::pthread_self(), sizeof(only), &only) != 0)
    give_up("the worker and the allocations need a processor each");
}

double now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::nanoseconds(since).count());
}

// Measures the cost of reading the clock.
double clock_cost() {
  double best = 1e9;
  for (unsigned i = 0; i < 1000; ++i) {
    const double start = now();
    best = std::min(best, now() - start);
  }
  return best;
}

double quantile(std::vector<double>& times, double q) {
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

class NoDevice final : public ReportingDevice {
 public:
  std::uint32_t capacity() const noexcept override { return 32; }
  Status report(std::span<const ScatterEntry>, std::uint32_t) noexcept override { return Status::Ok; }
};

// Nanoseconds an allocation, one value a sample: timed together, and timed alone.
struct Times {
  std::vector<double> together, alone;
  void add(const Times& more) {
    together.insert(together.end(), more.together.begin(), more.together.end());
    alone.insert(alone.end(), more.alone.begin(), more.alone.end());
  }
};

class Storm {
 public:
  Storm() : list_(kTogether + kAlone) {
    const ZoneConfig config{{0}, {kFrames}, 1};
    const std::size_t size = Zone::metadata_size(config).raw;
    tables_ = std::make_unique<Tables>(size);
    const Result<Zone*> made = Zone::create(port_, config, tables_->span());
    if (!made.ok()) give_up("the zone cannot be made");
    zone_ = made.value();
    // Every second block stays in use, so that each entry of a request is one block.
    LocalCache& cache = zone_->cache(0);
    std::vector<Pfn> blocks(kFrames / detail::kBlockFrames);
    for (Pfn& pfn : blocks) {
      const Allocation got = cache.allocate(detail::kBlockOrder);
      if (!got.ok()) give_up("out of memory");
      pfn = got.pfn;
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2) {
      if (cache.free(blocks[i], detail::kBlockOrder) != Status::Ok) give_up("a free was refused");
    }
    reporter_ = std::make_unique<Reporter>(port_, std::span<Zone* const>{&zone_, 1});
    stay_on(0);
    worker_ = std::thread([this] {
      stay_on(1);
      while (!stop_) {
        reporter_->run();
        // Spins instead of sleeping: the clock rate of a processor depends on the load of its neighbours.
        for (const double start = now(); now() - start < kRest;) {
        }
      }
    });
  }
  ~Storm() {
    stop_ = true;
    worker_.join();
  }

  enum class Kind { Unreported, Reported, Storm };

  // Allocates frames that were not reported while the worker rests; reported frames while the worker rests;
  // and reported frames while the worker scans the zone. Returns false if the worker finished before the last
  // allocation.
  bool measure(Kind kind, Times& times) {
    if (kind != Kind::Unreported) {
      const std::uint64_t before = reporter_->stats().requests;
      if (reporter_->register_device(device_, policy_) != Status::Ok) give_up("no device");
      while (kind == Kind::Reported && reporter_->reporting_requested(0)) std::this_thread::yield();
      while (kind == Kind::Storm && reporter_->stats().requests == before) std::this_thread::yield();
    }
    const std::uint64_t begun = reporter_->stats().requests;
    allocate(times);
    const bool under_way = reporter_->reporting_requested(0);
    requests_ += reporter_->stats().requests - begun;  // no requests except in the storm
    LocalCache& cache = zone_->cache(0);
    for (const Pfn pfn : list_) {
      if (cache.free(pfn) != Status::Ok) give_up("a free was refused");
    }
    cache.retire();
    if (kind != Kind::Unreported) {
      if (reporter_->unregister_device(device_) != Status::Ok) give_up("the device stays");
      if (reporter_->forget_reported() != Status::Ok) give_up("frames stay reported");
    }
    return kind != Kind::Storm || under_way;
  }
  // Requests made during the allocations.
  std::uint64_t requests() const { return requests_; }

 private:
  void allocate_one(std::uint64_t i) {
    const Allocation got = zone_->cache(0).allocate();
    if (!got.ok()) [[unlikely]]
      give_up("out of memory");
    list_[i] = got.pfn;
  }
  void allocate(Times& times) {
    for (std::uint64_t i = 0; i < kTogether; i += kSample) {
      const double start = now();
      for (unsigned k = 0; k < kSample; ++k) allocate_one(i + k);
      times.together.push_back((now() - start - clock_cost_) / kSample);
    }
    for (std::uint64_t i = kTogether; i < kTogether + kAlone; ++i) {
      const double start = now();
      allocate_one(i);
      times.alone.push_back(now() - start - clock_cost_);
    }
  }

  HostedPort port_;
  std::unique_ptr<Tables> tables_;
  Zone* zone_ = nullptr;
  NoDevice device_;
  HwmPolicy policy_{detail::kBlockOrder, 1};
  std::unique_ptr<Reporter> reporter_;
  std::vector<Pfn> list_;
  const double clock_cost_ = clock_cost();
  std::uint64_t requests_ = 0;
  std::atomic<bool> stop_{false};
  std::thread worker_;
};

void storm(benchmark::State& state) {
  Storm storm;
  Times quiet, loud;
  std::vector<double> ratios, reported_ratios;
  for (auto _ : state) {
    for (unsigned i = 0, given_up = 0; i < kTriples; ++i) {
      Times unreported, reported, storming;
      storm.measure(Storm::Kind::Unreported, unreported);
      storm.measure(Storm::Kind::Reported, reported);
      if (!storm.measure(Storm::Kind::Storm, storming)) {
        if (++given_up > kTriples) give_up("the worker is done too soon");
        --i;
        continue;
      }
      ratios.push_back(quantile(storming.together, 0.5) / quantile(unreported.together, 0.5));
      reported_ratios.push_back(quantile(reported.together, 0.5) / quantile(unreported.together, 0.5));
      quiet.add(unreported);
      loud.add(storming);
    }
    state.SetIterationTime(quantile(loud.together, 0.5) / 1e9);
  }
  state.counters["ns"] = quantile(loud.together, 0.5);
  state.counters["quiet_ns"] = quantile(quiet.together, 0.5);
  state.counters["over_quiet"] = quantile(ratios, 0.5);
  state.counters["p999_ns"] = quantile(loud.alone, 0.999);
  state.counters["quiet_p999_ns"] = quantile(quiet.alone, 0.999);
  state.counters["p999_over_quiet"] = quantile(loud.alone, 0.999) / quantile(quiet.alone, 0.999);
  state.counters["reported_over_unreported"] = quantile(reported_ratios, 0.5);
  state.counters["requests"] = static_cast<double>(storm.requests());
}

}  // namespace
}  // namespace fallow::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RegisterBenchmark("order0/allocate_while_reporting", fallow::bench::storm)
      ->UseManualTime()
      ->Unit(benchmark::kNanosecond)
      ->Iterations(1);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
