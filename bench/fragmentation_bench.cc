// Measures how soon blocks become wholly free again after memory was fragmented: the benchmark "aging" of the
// LLFree paper (Wrenger et al., USENIX ATC 2023), at a smaller size. bench/README.md explains the figures.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/tables.h"
#include "bench/yardstick.h"
#include "fallow/host/hosted_port.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

namespace fallow::bench {
namespace {

constexpr std::uint64_t kFrames = std::uint64_t{4} << 20;  // 16 GiB
constexpr unsigned kRounds = 100;
constexpr std::size_t kBatch = 4096;  // exchanges timed together

[[noreturn]] void give_up(const char* what) {
  std::cerr << "fragmentation_bench: " << what << "\n";
  std::exit(1);
}

// Whether the frames of a round are all different, or each is any frame in use.
enum class Draw { Distinct, Independent };

// A zone with a random half in use.
class Fragmented {
 public:
  Fragmented() {
    const ZoneConfig config{{0}, {kFrames}, 1};
    const std::size_t size = Zone::metadata_size(config).raw;
    tables_ = std::make_unique<Tables>(size);
    const Result<Zone*> zone = Zone::create(port_, config, tables_->span());
    if (!zone.ok()) give_up("the zone cannot be made");
    zone_ = zone.value();
    // Warms up the tables, whose first access costs more.
    allocate_all();
    for (const Pfn pfn : used_) free(pfn);
    zone_->cache(0).retire();
    double start = thread_time();
    allocate_all();
    usual_ = (thread_time() - start) / static_cast<double>(kFrames);
    std::shuffle(used_.begin(), used_.end(), random_);
    const std::size_t half = used_.size() / 2;
    start = thread_time();
    for (std::size_t i = half; i < used_.size(); ++i) free(used_[i]);
    usual_ += (thread_time() - start) / static_cast<double>(half);
    used_.resize(half);
  }

  // Frees a random tenth of the frames in use one by one, and allocates another frame after each free.
  void round(Draw draw) {
    std::size_t done = 0;
    for (const std::size_t all = used_.size() / 10; done < all;) {
      const std::size_t n = std::min(all - done, kBatch);
      exchange(draw == Draw::Distinct ? done : 0, n);
      done += n;
    }
  }

  unsigned free_blocks() const {
    unsigned n = 0;
    for (std::uint32_t b = 0; b < zone_->tables().blocks(); ++b)
      n += zone_->tables().entry(b).wholly_free() ? 1 : 0;
    return n;
  }
  // Allocates frames in order and frees them in random order.
  double usual() const { return usual_; }
  double exchange_time() const { return spent_ / static_cast<double>(exchanges_); }

 private:
  void allocate_all() {
    used_.clear();
    for (std::uint64_t i = 0; i < kFrames; ++i) used_.push_back(allocate());
  }
  Pfn allocate() {
    const Allocation got = zone_->cache(0).allocate();
    if (!got.ok()) [[unlikely]]
      give_up("out of memory");
    return got.pfn;
  }
  void free(Pfn pfn) {
    if (zone_->cache(0).free(pfn) != Status::Ok) [[unlikely]]
      give_up("a free was refused");
  }
  // Chooses the frames from slot `first` on beforehand, so that the measured time is that of the zone and not
  // of this list.
  void exchange(std::size_t first, std::size_t n) {
    Pfn batch[kBatch];
    for (std::size_t i = 0; i < n; ++i) {
      std::uniform_int_distribution<std::size_t> any(first + i, used_.size() - 1);
      std::swap(used_[first + i], used_[any(random_)]);
      batch[i] = used_[first + i];
    }
    const double start = thread_time();
    for (std::size_t i = 0; i < n; ++i) {
      free(batch[i]);
      batch[i] = allocate();
    }
    spent_ += thread_time() - start;
    exchanges_ += n;
    std::copy(batch, batch + n, used_.begin() + static_cast<std::ptrdiff_t>(first));
  }

  HostedPort port_;
  std::unique_ptr<Tables> tables_;
  Zone* zone_ = nullptr;
  std::vector<Pfn> used_;
  std::mt19937_64 random_{1};
  double usual_ = 0, spent_ = 0;
  std::uint64_t exchanges_ = 0;
};

void fragmentation(benchmark::State& state, Draw draw) {
  for (auto _ : state) {
    const double before = yardstick();
    Fragmented zone;
    for (unsigned round = 1; round <= kRounds; ++round) {
      zone.round(draw);
      if (round == 30 || round == 60 || round == kRounds)
        state.counters["free_" + std::to_string(round)] = zone.free_blocks();
    }
    const double unit = std::min(before, yardstick());
    state.counters["usual_ns"] = zone.usual();
    state.counters["ns"] = zone.exchange_time();
    state.counters["yardsticks"] = zone.exchange_time() / unit;
    state.counters["over_usual"] = zone.exchange_time() / zone.usual();
    state.SetIterationTime(zone.exchange_time() / 1e9);
  }
}

void register_all() {
  const auto add = [](const char* name, Draw draw) {
    benchmark::RegisterBenchmark(name, [draw](benchmark::State& s) { fragmentation(s, draw); })
        ->UseManualTime()
        ->Unit(benchmark::kNanosecond)
        ->Iterations(1);
  };
  add("order0/fragmentation/distinct", Draw::Distinct);
  add("order0/fragmentation/independent", Draw::Independent);
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
