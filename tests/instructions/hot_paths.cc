// One hot path, run some thousand times, for an instruction counter: hot_paths NAME. Without a name it lists
// them. The counted code is inside hot_path(); tests/instructions/check says how.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <vector>

#include "fallow/host/hosted_port.h"
#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "fallow/zone/detail/isolation.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

namespace fallow {
namespace {

constexpr PfnCount kFrames{std::uint64_t{1} << 15};  // 128 MiB

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};

struct Bed {
  HostedPort port;
  std::unique_ptr<void, FreeMemory> memory;
  Zone* zone = nullptr;
  std::vector<Pfn> list;

  explicit Bed(PfnCount frames) {
    const ZoneConfig config{{0}, frames, 1};
    const std::size_t size = Zone::metadata_size(config).raw;
    memory.reset(std::calloc(size + 64, 1));  // not touched before it is used
    void* at = memory.get();
    std::size_t room = size + 64;
    std::align(64, size, at, room);
    zone = Zone::create(port, config, {static_cast<std::byte*>(at), size}).value();
    list.resize(kFrames.raw);
  }
  LocalCache& cache() { return zone->cache(0); }
  std::uint64_t blocks(Order order) const { return kFrames.raw >> order.raw; }
  void allocate(Order order) {
    LocalCache& own = cache();
    for (std::uint64_t i = 0; i < blocks(order); ++i) list[i] = own.allocate(order).pfn;
  }
  void free(Order order) {
    LocalCache& own = cache();
    for (std::uint64_t i = 0; i < blocks(order); ++i) static_cast<void>(own.free(list[i], order));
    own.drain();
  }
};

// Everything that it is handed says yes.
class NoDevice final : public ReportingDevice {
 public:
  Status report(Scatterlist, std::uint32_t) noexcept override { return Status::Ok; }
  std::uint32_t capacity() const noexcept override { return 32; }
};

// The counted code. The count is divided by `operations`.
struct Path {
  const char* name;
  std::uint64_t (*prepare)(Bed&);  // returns the operations
  void (*run)(Bed&);
  PfnCount frames = kFrames;
};
}  // namespace
}  // namespace fallow

// The counter is switched on and off by this name, so it must be a function of its own.
extern "C" [[gnu::noinline]] void hot_path(void (*run)(fallow::Bed&), fallow::Bed& bed) {
  run(bed);
  asm volatile("" : : : "memory");
}

namespace fallow {
namespace {

template <unsigned kOrder>
constexpr Order order_of() {
  return Order{static_cast<std::uint8_t>(kOrder)};
}

template <unsigned kOrder>
constexpr Path allocate_path(const char* name) {
  return {name, [](Bed& bed) { return bed.blocks(order_of<kOrder>()); },
          [](Bed& bed) { bed.allocate(order_of<kOrder>()); }};
}
template <unsigned kOrder>
constexpr Path free_path(const char* name) {
  return {name,
          [](Bed& bed) {
            bed.allocate(order_of<kOrder>());
            return bed.blocks(order_of<kOrder>());
          },
          [](Bed& bed) { bed.free(order_of<kOrder>()); }};
}
template <unsigned kOrder>
constexpr Path pair_path(const char* name) {
  return {name, [](Bed&) { return std::uint64_t{10'000}; },
          [](Bed& bed) {
            LocalCache& own = bed.cache();
            for (unsigned i = 0; i < 10'000; ++i) {
              const Allocation got = own.allocate(order_of<kOrder>());
              static_cast<void>(own.free(got.pfn, order_of<kOrder>()));
            }
          }};
}

std::uint64_t prepare_random(Bed& bed) {
  bed.allocate({});
  std::shuffle(bed.list.begin(), bed.list.end(), std::mt19937_64(1));
  return kFrames.raw;
}

// Every second block is free: as many entries as there can be.
NoDevice device;
HwmPolicy policy(Order{9}, 1);
Reporter* reporter = nullptr;

std::uint64_t prepare_report(Bed& bed) {
  static Reporter one(bed.port, std::span(&bed.zone, 1));
  reporter = &one;
  bed.allocate(Order{9});
  for (std::uint64_t i = 0; i < bed.blocks(Order{9}); i += 2)
    static_cast<void>(bed.cache().free(bed.list[i], Order{9}));
  bed.cache().drain();
  static_cast<void>(one.register_device(device, policy));
  return bed.blocks(Order{9}) / 2;
}

// Blocks at random places that are to be reported: as many in any zone, and none beside another.
std::uint64_t prepare_find(Bed& bed) {
  constexpr unsigned kWanted = 128;
  std::vector<std::uint32_t> places;
  for (std::uint32_t b = 0; b < bed.zone->tables().blocks(); ++b) {
    bed.zone->tables().dirty().remove(b);
    if (b % 2 == 0) places.push_back(b);
  }
  std::shuffle(places.begin(), places.end(), std::mt19937_64(1));
  for (unsigned i = 0; i < kWanted; ++i) bed.zone->tables().dirty().insert(places[i]);
  return kWanted;
}

void find(Bed& bed) {
  detail::Isolation isolation(bed.zone->tables(), {});
  ScatterEntry list[32];
  while (const std::uint32_t n = isolation.fill(list, bed.zone->size()))
    detail::put_back(bed.zone->tables(), std::span(list).first(n), true);
}

constexpr Path kPaths[] = {
    allocate_path<0>("order0/allocate"),
    free_path<0>("order0/free"),
    pair_path<0>("order0/allocate_then_free"),
    {"order0/free_in_random_order", prepare_random, [](Bed& bed) { bed.free({}); }},
    allocate_path<3>("order3/allocate"),
    free_path<3>("order3/free"),
    allocate_path<5>("order5/allocate"),
    pair_path<5>("order5/allocate_then_free"),
    allocate_path<8>("order8/allocate"),
    free_path<8>("order8/free"),
    allocate_path<9>("order9/allocate"),
    free_path<9>("order9/free"),
    pair_path<9>("order9/allocate_then_free"),
    {"report/block", prepare_report, [](Bed&) { static_cast<void>(reporter->run()); }},
    {"find_isolate_put_back/of_1_gib", prepare_find, find, {std::uint64_t{1} << 18}},
    {"find_isolate_put_back/of_4_tib", prepare_find, find, {std::uint64_t{1} << 30}},
};

int run(const char* name) {
  for (const Path& path : kPaths) {
    if (std::strcmp(path.name, name) != 0) continue;
    Bed bed(path.frames);
    const std::uint64_t operations = path.prepare(bed);
    hot_path(path.run, bed);
    std::printf("%llu\n", static_cast<unsigned long long>(operations));
    if (reporter != nullptr) {
      if (reporter->stats().reported.raw != kFrames.raw / 2) return 1;
      static_cast<void>(reporter->unregister_device(device));
    }
    return 0;
  }
  std::fprintf(stderr, "hot_paths: there is no path '%s'\n", name);
  return 2;
}

}  // namespace
}  // namespace fallow

int main(int count, char** words) {
  if (count == 2) return fallow::run(words[1]);
  for (const fallow::Path& path : fallow::kPaths) std::puts(path.name);
}
