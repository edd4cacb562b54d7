// What an allocation costs while the worker reports without a pause, beside what it costs while it rests. How
// to read it: bench/README.md.
#include <benchmark/benchmark.h>

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
#include "fallow/platform/hosted_port.h"
#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

namespace fallow::bench {
namespace {

constexpr std::uint64_t kFrames = std::uint64_t{2} << 20;  // 8 GiB
constexpr std::uint64_t kHeld = kFrames / 8;               // allocated and freed over and over
constexpr unsigned kFed = 64;      // blocks that the worker's thread frees for each pass
constexpr unsigned kSample = 512;  // allocations timed together
constexpr unsigned kTriples = 30;  // of phases, one of each kind

[[noreturn]] void give_up(const char* what) {
  std::cerr << "storm_bench: " << what << "\n";
  std::exit(1);
}

double now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::nanoseconds(since).count());
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

class Storm {
 public:
  Storm() : list_(kHeld) {
    const ZoneConfig config{{0}, {kFrames}, 2};
    const std::size_t size = Zone::metadata_size(config).raw;
    tables_ = std::make_unique<Tables>(size);
    const Result<Zone*> made = Zone::create(port_, config, tables_->span());
    if (!made.ok()) give_up("the zone cannot be made");
    zone_ = made.value();
    reporter_ = std::make_unique<Reporter>(port_, std::span<Zone* const>{&zone_, 1});
    worker_ = std::thread([this] { work(); });
  }
  ~Storm() {
    stop_ = true;
    worker_.join();
  }

  enum class Kind { Unreported, Reported, Storm };

  // Nanoseconds for each allocation, a value a sample: of frames that were not reported, and nobody reports;
  // of reported ones, while the worker rests; and of reported ones while it reports what its thread frees.
  void measure(Kind kind, std::vector<double>& times) {
    if (kind != Kind::Unreported) {
      if (reporter_->register_device(&device_, &policy_) != Status::Ok) give_up("no device");
      while (reporter_->reporting_requested(0)) std::this_thread::yield();
    }
    storming_ = kind == Kind::Storm;
    const std::uint64_t before = reporter_->stats().requests;
    LocalCache& cache = zone_->cache(0);
    for (std::uint64_t i = 0; i < kHeld; i += kSample) {
      const double start = now();
      for (unsigned k = 0; k < kSample; ++k) {
        const Allocation got = cache.allocate();
        if (!got.ok()) [[unlikely]]
          give_up("out of memory");
        list_[i + k] = got.pfn;
      }
      times.push_back((now() - start) / kSample);
    }
    if (kind == Kind::Storm) requests_ += reporter_->stats().requests - before;
    storming_ = false;
    for (const Pfn pfn : list_) {
      if (cache.free(pfn) != Status::Ok) give_up("a free was refused");
    }
    cache.retire();
    if (kind == Kind::Unreported) return;
    if (reporter_->unregister_device(&device_) != Status::Ok) give_up("the device stays");
    if (reporter_->forget_reported() != Status::Ok) give_up("the marks stay");
  }
  std::uint64_t requests() const { return requests_; }

 private:
  void work() {
    LocalCache& cache = zone_->cache(1);
    std::vector<Pfn> blocks(kFed);
    while (!stop_) {
      reporter_->run();
      if (!storming_) {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        continue;
      }
      for (Pfn& pfn : blocks) {
        const Allocation got = cache.allocate({9});
        if (!got.ok()) give_up("out of memory");
        pfn = got.pfn;
      }
      for (const Pfn pfn : blocks) static_cast<void>(cache.free(pfn, {9}));
    }
  }

  HostedPort port_;
  std::unique_ptr<Tables> tables_;
  Zone* zone_ = nullptr;
  NoDevice device_;
  HwmPolicy policy_{{9}, 1};
  std::unique_ptr<Reporter> reporter_;
  std::vector<Pfn> list_;
  std::uint64_t requests_ = 0;
  std::atomic<bool> stop_{false}, storming_{false};
  std::thread worker_;
};

void storm(benchmark::State& state) {
  Storm storm;
  std::vector<double> fresh, quiet, loud, ratios, reported_ratios;
  for (auto _ : state) {
    for (unsigned i = 0; i < kTriples; ++i) {
      std::vector<double> a, b, c;
      storm.measure(Storm::Kind::Unreported, a);
      storm.measure(Storm::Kind::Reported, b);
      storm.measure(Storm::Kind::Storm, c);
      ratios.push_back(quantile(c, 0.5) / quantile(b, 0.5));
      reported_ratios.push_back(quantile(b, 0.5) / quantile(a, 0.5));
      fresh.insert(fresh.end(), a.begin(), a.end());
      quiet.insert(quiet.end(), b.begin(), b.end());
      loud.insert(loud.end(), c.begin(), c.end());
    }
    state.SetIterationTime(quantile(loud, 0.5) / 1e9);
  }
  state.counters["ns"] = quantile(loud, 0.5);
  state.counters["quiet_ns"] = quantile(quiet, 0.5);
  state.counters["over_quiet"] = quantile(ratios, 0.5);
  state.counters["p999_ns"] = quantile(loud, 0.999);
  state.counters["quiet_p999_ns"] = quantile(quiet, 0.999);
  state.counters["p999_over_quiet"] = quantile(loud, 0.999) / quantile(quiet, 0.999);
  state.counters["unreported_ns"] = quantile(fresh, 0.5);
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
