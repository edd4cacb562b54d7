#include "fallow/c/zone.h"

#include <new>
#include <span>

#include "fallow/c/detail/status_values.h"
#include "fallow/c/detail/zone_handle.h"
#include "fallow/zone/zone_check.h"
#include "fallow/zone/zone_stats.h"

namespace fallow::detail {
namespace {

ZoneConfig config_of(const fallow_zone_config& config) noexcept {
  return {.base = {config.base}, .frames = {config.frames}, .caches = config.caches == 0 ? 1 : config.caches};
}

// Returns the bytes of the handle and the zone together; 0 if the configuration is not valid.
std::uint64_t needed_by(const fallow_zone_config* config) noexcept {
  if (config == nullptr || (config->flags & ~FALLOW_ZONE_MEMORY_IS_ZERO) != 0) return 0;
  const std::uint64_t tables = Zone::metadata_size(config_of(*config)).raw;
  return tables == 0 ? 0 : sizeof(fallow_zone) + tables;
}

constexpr bool in_range(std::uint32_t order) noexcept { return order <= kMaxOrder.raw; }
constexpr Order order_of(std::uint32_t order) noexcept { return {static_cast<std::uint8_t>(order)}; }

// Whether the arguments of an allocation can be passed on. LocalCache checks the ranges again.
constexpr bool fits(const fallow_cache* cache, std::uint32_t order, std::uint32_t mobility) noexcept {
  return cache != nullptr && in_range(order) && mobility < kMobilities;
}

[[gnu::always_inline]] inline Allocation allocate(fallow_cache* cache, std::uint32_t order,
                                                  std::uint32_t mobility) noexcept {
  return from_c(cache)->allocate(order_of(order), static_cast<Mobility>(mobility));
}

// Frees blocks up to the first that is refused; returns how many. Inlined, so that the loop is compiled for a
// known order where the caller knows it.
[[gnu::always_inline]] inline size_t free_all(LocalCache& cache, Order order, std::span<const uint64_t> pfns,
                                              Status& status) noexcept {
  for (size_t i = 0; i < pfns.size(); ++i) {
    const Status answer = cache.free({pfns[i]}, order);
    if (answer != Status::Ok) [[unlikely]] {
      status = answer;
      return i;
    }
  }
  return pfns.size();
}

}  // namespace

extern "C" {

uint64_t fallow_zone_size(const fallow_zone_config* config) { return storage_size(needed_by(config)); }

fallow_status fallow_zone_create(const fallow_port* port, const fallow_zone_config* config, void* memory,
                                 uint64_t size, fallow_zone** zone) {
  if (zone == nullptr) return FALLOW_INVALID_ARGUMENT;
  *zone = nullptr;
  const std::span<std::byte> storage = take_storage(memory, size, needed_by(config));
  if (!usable(port) || storage.empty()) return FALLOW_INVALID_ARGUMENT;
  if ((config->flags & FALLOW_ZONE_MEMORY_IS_ZERO) == 0) clear(storage);
  auto* const made = new (storage.data()) fallow_zone(*port);
  const Result<Zone*> result =
      Zone::create(made->port, config_of(*config), storage.subspan(sizeof(fallow_zone)));
  if (!result.ok()) return to_c(result.status());
  made->zone = result.value();
  made->kind = fallow_zone::kKind;
  *zone = made;
  return FALLOW_OK;
}

fallow_status fallow_zone_destroy(fallow_zone* zone) {
  if (!valid(zone)) return FALLOW_INVALID_ARGUMENT;
  // acquire: pairs with the release in fallow_reporter_destroy().
  if (zone->reporter.load(std::memory_order_acquire) != nullptr) return FALLOW_BUSY;
  zone->kind = HandleKind::None;
  return FALLOW_OK;
}

fallow_cache* fallow_zone_cache(fallow_zone* zone, uint32_t index) {
  return valid(zone) && index < zone->zone->cache_count() ? to_c(&zone->zone->cache(index)) : nullptr;
}

// `inline` makes link-time optimisation take the two functions of the fast path into the loops of a C
// program; `used` emits them for programs that are linked without.
[[gnu::used]] inline fallow_allocation fallow_allocate(fallow_cache* cache, uint32_t order,
                                                       uint32_t mobility) {
  if (!fits(cache, order, mobility)) [[unlikely]]
    return {0, FALLOW_INVALID_ARGUMENT, 0};
  const Allocation got = allocate(cache, order, mobility);
  return {got.ok() ? got.pfn.raw : 0, to_c(got.status), got.content_known ? 1U : 0U};
}

[[gnu::used]] inline fallow_status fallow_free(fallow_cache* cache, uint64_t pfn, uint32_t order) {
  if (cache == nullptr || !in_range(order)) [[unlikely]]
    return FALLOW_INVALID_ARGUMENT;
  return to_c(from_c(cache)->free({pfn}, order_of(order)));
}

size_t fallow_allocate_bulk(fallow_cache* cache, uint32_t order, uint32_t mobility, uint64_t* pfns,
                            size_t count) {
  if (!fits(cache, order, mobility) || pfns == nullptr) return 0;
  for (size_t i = 0; i < count; ++i) {
    const Allocation got = allocate(cache, order, mobility);
    if (!got.ok()) return i;
    pfns[i] = got.pfn.raw;
  }
  return count;
}

size_t fallow_free_bulk(fallow_cache* cache, uint32_t order, const uint64_t* pfns, size_t count,
                        fallow_status* why) {
  Status status = Status::Ok;
  size_t freed = 0;
  if (cache == nullptr || !in_range(order) || pfns == nullptr) {
    status = Status::InvalidArgument;
  } else if (order == 0) {
    freed = free_all(*from_c(cache), {}, {pfns, count}, status);
  } else {
    freed = free_all(*from_c(cache), order_of(order), {pfns, count}, status);
  }
  if (why != nullptr) *why = to_c(status);
  return freed;
}

fallow_status fallow_cache_drain(fallow_cache* cache) {
  if (cache == nullptr) return FALLOW_INVALID_ARGUMENT;
  from_c(cache)->drain();
  return FALLOW_OK;
}

fallow_status fallow_cache_retire(fallow_cache* cache) {
  if (cache == nullptr) return FALLOW_INVALID_ARGUMENT;
  from_c(cache)->retire();
  return FALLOW_OK;
}

fallow_status fallow_zone_request_drain(fallow_zone* zone) {
  if (!valid(zone)) return FALLOW_INVALID_ARGUMENT;
  zone->zone->request_drain();
  return FALLOW_OK;
}

fallow_status fallow_zone_reserve(fallow_zone* zone, uint64_t first, uint64_t count) {
  if (!valid(zone)) return FALLOW_INVALID_ARGUMENT;
  return to_c(zone->zone->reserve({first}, {count}));
}

fallow_status fallow_zone_get_stats(const fallow_zone* zone, fallow_zone_stats* stats) {
  if (!valid(zone) || stats == nullptr) return FALLOW_INVALID_ARGUMENT;
  const ZoneStats now = zone_stats(*zone->zone);
  *stats = {.size = now.size.raw,
            .free = now.free.raw,
            .used = now.used.raw,
            .isolated = now.isolated.raw,
            .reported = now.reported.raw,
            .cached = now.cached.raw,
            .refaults = now.refaults.raw,
            .reserved = zone->zone->reserved().raw,
            .low_watermark = zone->zone->low_watermark().raw};
  return FALLOW_OK;
}

fallow_status fallow_zone_free_area(const fallow_zone* zone, uint32_t order, uint64_t* nr_free,
                                    uint64_t* nr_reported) {
  if (!valid(zone) || !in_range(order) || nr_free == nullptr || nr_reported == nullptr)
    return FALLOW_INVALID_ARGUMENT;
  const FreeArea area = free_area(*zone->zone, order_of(order));
  *nr_free = area.nr_free;
  *nr_reported = area.nr_reported;
  return FALLOW_OK;
}

fallow_status fallow_zone_misuse(const fallow_zone* zone, fallow_misuse* misuse) {
  if (!valid(zone) || misuse == nullptr) return FALLOW_INVALID_ARGUMENT;
  const Misuse now = zone->zone->misuse();
  *misuse = {.count = now.count, .last_pfn = now.last_pfn.raw, .last = to_c(now.last)};
  return FALLOW_OK;
}

const char* fallow_zone_check(const fallow_zone* zone, uint64_t* where) {
  if (!valid(zone)) return "the zone is null or destroyed";
  const Violation found = zone_check(*zone->zone);
  if (where != nullptr && !found.none()) *where = found.where.raw;
  return found.invariant;
}

}  // extern "C"

}  // namespace fallow::detail
