// Compares the cost of giving memory back with the bare system call. bench/README.md explains the figures.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "bench/tables.h"
#include "bench/yardstick.h"
#include "fallow/host/anonymous_backing.h"
#include "fallow/host/hosted_port.h"
#include "fallow/host/memfd_backing.h"
#include "fallow/host/release_device.h"
#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

namespace fallow::bench {
namespace {

constexpr PfnCount kReported{std::uint64_t{1} << 18};  // 1 GiB, in runs separated by gaps of the same length

enum class Kind : std::uint8_t { Anonymous, Huge, Memfd };

[[noreturn]] void give_up(const std::string& what) {
  std::cerr << "report_bench: " << what << "\n";
  std::exit(1);
}

template <class T>
std::unique_ptr<T> must(Expected<T> made) {
  if (made.object == nullptr) give_up(made.error);
  return std::move(made.object);
}

std::unique_ptr<Backing> make(Kind kind, PfnCount size) {
  if (kind == Kind::Memfd) return must(MemfdBacking::create({0}, size));
  AnonymousOptions options{.first = {0}, .size = size};
  if (kind == Kind::Huge) options.huge_pages = AnonymousOptions::HugePages::Prefer;
  return must(AnonymousBacking::create(options));
}

// Real memory, half of which is free in runs of one length. The free frames after it were never touched. They
// keep the zone above its low watermark (R11) and are released as one more run.
class Bench {
 public:
  Bench(Kind kind, unsigned run)
      : kind_(kind),
        run_{std::uint64_t{1} << run},
        order_{static_cast<std::uint8_t>(std::min(run, 9U))},
        backing_(make(kind, kSize)),
        device_(must(ReleaseDevice::create(*backing_, 32))),
        tables_(Zone::metadata_size(kConfig).raw) {}

  // Releases through a reporter; returns the nanoseconds from the first scan until all blocks were taken and
  // put back.
  double report() {
    touch();
    tables_.clear();
    HostedPort port;
    const Result<Zone*> made = Zone::create(port, kConfig, tables_.span());
    if (!made.ok()) give_up("the zone cannot be made");
    Zone* zone = made.value();
    if (zone->reserve({0}, kTouched) != Status::Ok) give_up("the zone cannot be filled");
    each_run([&](Pfn first) {
      for (Pfn p = first; p < first + run_; p = p + frames(order_))
        if (zone->cache(0).free(p, order_) != Status::Ok) give_up("a free was refused");
    });
    zone->cache(0).drain();
    Reporter reporter(port, std::span(&zone, 1));
    HwmPolicy policy(order_, 1);
    if (reporter.register_device(*device_, policy) != Status::Ok) give_up("the device is not taken");
    const double start = thread_time();
    static_cast<void>(reporter.run());
    const double time = thread_time() - start;
    if (reporter.stats().reported != kReported + kSpare || reporter.stats().failures != 0)
      give_up("reported " + std::to_string(reporter.stats().reported.raw) + " of " +
              std::to_string((kReported + kSpare).raw) + " frames, with " +
              std::to_string(reporter.stats().failures) + " failures: " + backing_->release_error());
    if (reporter.unregister_device(*device_) != Status::Ok) give_up("the device stays");
    return time;
  }

  // Releases the same ranges with bare calls; returns nanoseconds.
  double bare() {
    touch();
    const double start = thread_time();
    each_run([this](Pfn first) { release(first, run_); });
    release(Pfn{0} + kTouched, kSpare);
    return thread_time() - start;
  }

 private:
  static constexpr PfnCount kTouched{2 * kReported.raw}, kSpare{1 << 16}, kSize{kTouched.raw + kSpare.raw};
  static constexpr ZoneConfig kConfig{{0}, kSize, 1};

  template <class Work>
  void each_run(Work work) {
    for (std::uint64_t at = 0; at < kTouched.raw; at += 2 * run_.raw) work(Pfn{at});
  }
  void touch() {
    each_run([this](Pfn first) {
      for (Pfn p = first; p < first + run_; p = p + PfnCount{1})
        *reinterpret_cast<volatile std::uint64_t*>(backing_->address(p)) = p.raw;
    });
  }
  void release(Pfn first, PfnCount n) {
    const std::size_t offset = bytes(first - Pfn{0}).raw, length = bytes(n).raw;
    const int failed = kind_ == Kind::Memfd
                           ? ::fallocate(static_cast<const MemfdBacking&>(*backing_).fd(),
                                         FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                         static_cast<off_t>(offset), static_cast<off_t>(length))
                           : ::madvise(backing_->address(first), length, MADV_DONTNEED);
    if (failed != 0) give_up("the bare call failed");
  }

  const Kind kind_;
  const PfnCount run_;
  const Order order_;
  const std::unique_ptr<Backing> backing_;
  const std::unique_ptr<ReleaseDevice> device_;
  Tables tables_;
};

double median(std::vector<double> of) {
  std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
  return of[of.size() / 2];
}

// Alternates, so that both run under the same conditions.
void report(benchmark::State& state, Kind kind, unsigned run) {
  Bench bench(kind, run);
  bench.report();
  std::vector<double> ours, bare, ratio;
  for (auto _ : state) {
    const double a = bench.report(), b = bench.bare();
    state.SetIterationTime(a / 1e9);
    ours.push_back(a);
    bare.push_back(b);
    ratio.push_back(b / a);
  }
  const double gib = static_cast<double>(kReported.raw) / (1 << 18);
  state.counters["gib_s"] = gib * 1e9 / median(ours);
  state.counters["bare_gib_s"] = gib * 1e9 / median(bare);
  state.counters["of_bare"] = median(ratio);
}

}  // namespace
}  // namespace fallow::bench

int main(int argc, char** argv) {
  using fallow::bench::Kind;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  struct {
    const char* name;
    Kind kind;
    unsigned first;
  } constexpr kinds[] = {
      {"anonymous", Kind::Anonymous, 0}, {"thp", Kind::Huge, 9}, {"memfd", Kind::Memfd, 0}};
  struct {
    const char* name;
    unsigned order;
  } constexpr runs[] = {{"4KiB", 0}, {"64KiB", 4}, {"2MiB", 9}, {"32MiB", 13}, {"1GiB", 18}};
  for (const auto& kind : kinds)
    for (const auto& run : runs)
      if (run.order >= kind.first)
        benchmark::RegisterBenchmark(
            (std::string("report/") + kind.name + "/" + run.name).c_str(),
            [kind, run](benchmark::State& s) { fallow::bench::report(s, kind.kind, run.order); })
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond)
            ->Iterations(9);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
