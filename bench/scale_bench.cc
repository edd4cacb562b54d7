// Measures how costs grow with the size of a zone: tables only, for an address space that is reserved and
// never touched. bench/README.md explains the figures.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
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

constexpr std::int64_t kRounds = 15, kRoundsOfFew = 101;

[[noreturn]] void give_up(const char* what) {
  std::cerr << "scale_bench: " << what << "\n";
  std::exit(1);
}

double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

// Accepts requests and does nothing.
class NoDevice final : public ReportingDevice {
 public:
  std::uint32_t capacity() const noexcept override { return 32; }
  Status report(std::span<const ScatterEntry> entries, std::uint32_t) noexcept override {
    for (const ScatterEntry& e : entries) frames_ += e.count.raw;
    return Status::Ok;
  }
  std::uint64_t frames() const { return frames_; }

 private:
  std::uint64_t frames_ = 0;
};

ZoneConfig config_of(std::uint64_t gib) { return {{0}, {gib << 18}, 1}; }

void construct(benchmark::State& state) {
  const ZoneConfig config = config_of(static_cast<std::uint64_t>(state.range(0)));
  HostedPort port;
  std::vector<double> times;
  for (auto _ : state) {
    const Tables tables(Zone::metadata_size(config).raw, MAP_NORESERVE);
    const double start = thread_time();
    const Result<Zone*> zone = Zone::create(port, config, tables.span());
    times.push_back(thread_time() - start);
    if (!zone.ok()) give_up("the zone cannot be made");
    state.SetIterationTime(times.back() / 1e9);
  }
  state.counters["us"] = median(times) / 1e3;
  state.counters["table_bytes"] = static_cast<double>(Zone::metadata_size(config).raw);
  state.counters["bits_a_frame"] =
      static_cast<double>(Zone::metadata_size(config).raw) * 8 / static_cast<double>(config.frames.raw);
}

// A zone in which everything is reported or allocated, except a given number of MiB in blocks spread over the
// zone at even or random distances. Measures the time until these blocks are reported.
void report(benchmark::State& state, bool random) {
  const std::uint64_t gib = static_cast<std::uint64_t>(state.range(0));
  const ZoneConfig config = config_of(gib);
  const std::uint64_t blocks = config.frames.raw / detail::kBlockFrames;
  const std::uint64_t mib = static_cast<std::uint64_t>(state.range(1)), amount = mib / 2;
  HostedPort port;
  const Tables tables(Zone::metadata_size(config).raw, MAP_NORESERVE);
  const Result<Zone*> made = Zone::create(port, config, tables.span());
  if (!made.ok()) give_up("the zone cannot be made");
  Zone* const zone = made.value();
  Reporter reporter(port, {&zone, 1});
  NoDevice device;
  HwmPolicy policy({9}, 1);
  if (reporter.register_device(device, policy) != Status::Ok) give_up("no device");
  reporter.run();
  // Three quarters stay in use; the blocks freed from them are not reported. The rest is reported.
  std::vector<std::uint64_t> places;
  const std::uint64_t in_use = blocks / 4 * 3;
  LocalCache& cache = zone->cache(0);
  std::vector<Pfn> all;
  for (std::uint64_t i = 0; i < in_use; ++i) {
    const Allocation got = cache.allocate({9});
    if (!got.ok()) give_up("out of memory");
    all.push_back(got.pfn);
  }
  std::mt19937_64 any(1);
  std::vector<double> times;
  const double unit = yardstick();
  for (auto _ : state) {
    if (random) {
      std::shuffle(all.begin(), all.end(), any);
      places.resize(amount);
      for (std::uint64_t i = 0; i < amount; ++i) places[i] = i;
    } else {
      places.clear();
      for (std::uint64_t i = 0; i < amount; ++i) places.push_back(i * (in_use / amount));
    }
    // Without a device, frees are not counted and do not wake the worker.
    if (reporter.unregister_device(device) != Status::Ok) give_up("the device stays");
    for (const std::uint64_t i : places) {
      if (cache.free(all[i], {9}) != Status::Ok) give_up("a free was refused");
    }
    const std::uint64_t before = device.frames();
    if (reporter.register_device(device, policy) != Status::Ok) give_up("no device");
    const double start = thread_time();
    reporter.run();
    times.push_back(thread_time() - start);
    if (device.frames() - before != amount * detail::kBlockFrames) give_up("not everything was reported");
    state.SetIterationTime(times.back() / 1e9);
    for (const std::uint64_t i : places) {
      const Allocation got = cache.allocate({9});
      if (!got.ok()) give_up("out of memory");
      all[i] = got.pfn;
    }
  }
  if (reporter.unregister_device(device) != Status::Ok) give_up("the device stays");
  const double one = median(times);
  state.counters["ms"] = one / 1e6;
  state.counters["block_ns"] = one / static_cast<double>(amount);
  state.counters["block_yardsticks"] = one / static_cast<double>(amount) / unit;
  state.counters["tib_a_second"] = static_cast<double>(mib) / (1 << 20) / (one / 1e9);
}

void register_all() {
  for (const std::int64_t gib : {1, 16, 256, 4096}) {
    const std::string size = gib < 1024 ? std::to_string(gib) + "gib" : std::to_string(gib / 1024) + "tib";
    const auto add = [&](const std::string& name, std::int64_t rounds, auto f) {
      return benchmark::RegisterBenchmark(std::string(size).append("/").append(name).c_str(), f)
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond)
          ->Iterations(rounds);
    };
    add("construct", kRounds, construct)->Args({gib});
    for (const std::int64_t mib : {256, 1024, 64 * 1024}) {
      if (mib * 2 > gib * 1024) continue;
      const std::string amount =
          mib < 1024 ? std::to_string(mib) + "mib" : std::to_string(mib / 1024) + "gib";
      for (const bool random : {false, true}) {
        add("report_" + amount + "/" + (random ? "random" : "even"), mib < 1024 ? kRoundsOfFew : kRounds,
            [random](benchmark::State& s) { report(s, random); })
            ->Args({gib, mib});
      }
    }
  }
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
