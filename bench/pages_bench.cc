// Measures the cost of zone operations, pattern by pattern. bench/README.md explains the figures.
#include "bench/pages_bench.h"

#include <cstdlib>
#include <iostream>

#include "bench/tables.h"
#include "fallow/host/hosted_port.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

namespace fallow::bench {
namespace {

class ZonePages {
 public:
  using Block = Pfn;

  explicit ZonePages(std::uint64_t frames)
      : config_{{0}, {frames}, kPatternThreads}, tables_(Zone::metadata_size(config_).raw) {
    const Result<Zone*> zone = Zone::create(port_, config_, tables_.span());
    if (!zone.ok()) give_up("the zone cannot be made");
    for (unsigned t = 0; t < kPatternThreads; ++t) caches_[t] = &zone.value()->cache(t);
  }

  [[gnu::always_inline]] Pfn allocate(unsigned thread, unsigned order) {
    const Allocation got = caches_[thread]->allocate(Order{static_cast<std::uint8_t>(order)});
    if (!got.ok()) [[unlikely]]
      give_up("out of memory");
    return got.pfn;
  }
  [[gnu::always_inline]] void free(unsigned thread, Pfn pfn, unsigned order) {
    if (caches_[thread]->free(pfn, Order{static_cast<std::uint8_t>(order)}) != Status::Ok) [[unlikely]]
      give_up("a free was refused");
  }
  void settle(unsigned thread) { caches_[thread]->drain(); }
  void forget() {
    for (LocalCache* cache : caches_) cache->retire();
  }

 private:
  [[noreturn]] static void give_up(const char* what) {
    std::cerr << "pages_bench: " << what << "\n";
    std::exit(1);
  }

  HostedPort port_;
  ZoneConfig config_;
  Tables tables_;
  LocalCache* caches_[kPatternThreads] = {};
};

}  // namespace
}  // namespace fallow::bench

// pages_bench [GIB]: size of the zone; default 1, as in the heap benchmarks.
int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::uint64_t gib = 1;
  if (argc == 2) {
    gib = std::strtoull(argv[1], nullptr, 10);
    if (gib == 0 || gib > 1024) return std::cerr << "pages_bench: not a size in GiB: " << argv[1] << "\n", 2;
    argc = 1;
  }
  fallow::bench::register_patterns<fallow::bench::ZonePages, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10>(gib << 18);
  return fallow::bench::run_benchmarks(argc, argv);
}
