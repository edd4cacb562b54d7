#include "fallow/c/page_reporting.h"

#include <new>

#include "fallow/c/detail/reporter_handle.h"
#include "fallow/c/detail/zone_handle.h"

namespace fallow::detail {
namespace {

constexpr std::uint32_t kDefaultCapacity = 32;
// Of the reporter's memory, for each request in flight, and as a remainder that no allocation uses.
constexpr std::uint64_t kRequestBytes = 64;

// Returns the bytes of the arena: one list for each request in flight, and the requests.
std::uint64_t arena_bytes(const fallow_reporter_config& config) noexcept {
  const std::uint64_t capacity = config.capacity == 0 ? kDefaultCapacity : config.capacity,
                      depth = config.in_flight == 0 ? 1 : config.in_flight;
  return round_up(capacity * depth * sizeof(ScatterEntry)) + depth * kRequestBytes + kStorageAlignment;
}

// Returns the bytes of the handle and the arena together; 0 if the configuration is not valid.
std::uint64_t needed_by(const fallow_reporter_config* config) noexcept {
  if (config == nullptr || config->zones == nullptr || config->zone_count == 0 ||
      config->zone_count > FALLOW_MAX_ZONES || config->in_flight > kMaxDepth)
    return 0;
  return sizeof(fallow_reporter) + arena_bytes(*config);
}

// Makes the zones the reporter's, or none of them.
Status claim_zones(fallow_reporter* reporter, std::span<fallow_zone* const> zones) noexcept {
  std::size_t claimed = 0;
  for (; claimed < zones.size(); ++claimed) {
    fallow_reporter* nobody = nullptr;
    // acquire: pairs with the release in release_zones(), so that the zone is seen as its last reporter left
    // it.
    if (!zones[claimed]->reporter.compare_exchange_strong(nobody, reporter, std::memory_order_acquire,
                                                          std::memory_order_relaxed))
      break;
  }
  if (claimed == zones.size()) return Status::Ok;
  while (claimed-- > 0) zones[claimed]->reporter.store(nullptr, std::memory_order_relaxed);
  return Status::Busy;
}

// release: pairs with the acquire in claim_zones() and in fallow_zone_destroy().
void release_zones(std::span<fallow_zone* const> zones) noexcept {
  for (fallow_zone* zone : zones) zone->reporter.store(nullptr, std::memory_order_release);
}

}  // namespace

extern "C" {

uint64_t fallow_reporter_size(const fallow_reporter_config* config) {
  return storage_size(needed_by(config));
}

fallow_status fallow_reporter_create(const fallow_port* port, const fallow_reporter_config* config,
                                     void* memory, uint64_t size, fallow_reporter** reporter) {
  if (reporter == nullptr) return FALLOW_INVALID_ARGUMENT;
  *reporter = nullptr;
  const std::span<std::byte> storage = take_storage(memory, size, needed_by(config));
  if (!usable(port) || storage.empty()) return FALLOW_INVALID_ARGUMENT;
  const std::span<fallow_zone* const> zones(config->zones, config->zone_count);
  Zone* of[FALLOW_MAX_ZONES];
  for (std::size_t i = 0; i < zones.size(); ++i) {
    if (!valid(zones[i])) return FALLOW_INVALID_ARGUMENT;
    of[i] = zones[i]->zone;
  }
  auto* const place = reinterpret_cast<fallow_reporter*>(storage.data());
  if (const Status status = claim_zones(place, zones); status != Status::Ok) return to_c(status);
  auto* const made = new (place)
      fallow_reporter(*port, storage.subspan(sizeof(fallow_reporter)), std::span(of, zones.size()));
  for (std::size_t i = 0; i < zones.size(); ++i) made->zones[i] = zones[i];
  made->kind = fallow_reporter::kKind;
  *reporter = made;
  return FALLOW_OK;
}

fallow_status fallow_reporter_destroy(fallow_reporter* reporter) {
  if (!valid(reporter)) return FALLOW_INVALID_ARGUMENT;
  // acquire: pairs with the release in unclaim(), and in fallow_balloon_driver_destroy(), for the users.
  if (reporter->registered.load(std::memory_order_acquire) != nullptr ||
      reporter->users.load(std::memory_order_acquire) != 0)
    return FALLOW_BUSY;
  // Another reporter does not know which content this one's devices promised (R12), nor in which ticks its
  // policies counted.
  for (std::uint32_t i = 0; i < reporter->zone_count; ++i) {
    reporter->zones[i]->zone->forget_reported();
    reporter->zones[i]->zone->tables().restart_ages();
  }
  reporter->kind = HandleKind::None;
  reporter->reporter.~Reporter();
  release_zones({reporter->zones, reporter->zone_count});
  return FALLOW_OK;
}

fallow_status fallow_page_reporting_register(fallow_reporter* reporter, fallow_page_reporting_dev_info* prdev,
                                             const char* policy) {
  if (!valid(reporter) || prdev == nullptr) return FALLOW_INVALID_ARGUMENT;
  if (!claim(*reporter, prdev)) return FALLOW_BUSY;
  const Status status = reporter->device.attach(*prdev);
  return register_claimed(*reporter, reporter->device, policy,
                          status == Status::Ok ? report_order(prdev->order) : Result<Order>(status));
}

fallow_status fallow_page_reporting_unregister(fallow_reporter* reporter,
                                               fallow_page_reporting_dev_info* prdev) {
  if (!valid(reporter) || prdev == nullptr) return FALLOW_INVALID_ARGUMENT;
  return unregister(*reporter, prdev, reporter->device);
}

fallow_status fallow_page_reporting_complete(fallow_reporter* reporter, uint32_t token,
                                             fallow_status status) {
  if (!valid(reporter) || status > FALLOW_MISALIGNED || status == FALLOW_PENDING)
    return FALLOW_INVALID_ARGUMENT;
  return to_c(reporter->reporter.complete(token, from_c(status)));
}

uint32_t fallow_page_reporting_requested(const fallow_reporter* reporter, uint32_t zone) {
  return valid(reporter) && zone < reporter->zone_count && reporter->reporter.reporting_requested(zone) ? 1
                                                                                                        : 0;
}

fallow_status fallow_forget_reported(fallow_reporter* reporter) {
  if (!valid(reporter)) return FALLOW_INVALID_ARGUMENT;
  return to_c(reporter->reporter.forget_reported());
}

uint64_t fallow_reporter_run(fallow_reporter* reporter) {
  if (!valid(reporter)) return FALLOW_NEVER;
  return reporter->port.run([reporter] { return reporter->reporter.run(); }).raw;
}

uint64_t fallow_reporter_next_deadline(const fallow_reporter* reporter) {
  return valid(reporter) ? reporter->port.next_deadline().raw : FALLOW_NEVER;
}

fallow_status fallow_reporter_get_stats(const fallow_reporter* reporter, fallow_reporting_stats* stats) {
  if (!valid(reporter) || stats == nullptr) return FALLOW_INVALID_ARGUMENT;
  const ReportingStats now = reporter->reporter.stats();
  *stats = {.requests = now.requests,
            .entries = now.entries,
            .reported = now.reported.raw,
            .failures = now.failures,
            .in_report = now.in_report.raw,
            .in_flight = now.in_flight};
  return FALLOW_OK;
}

}  // extern "C"

}  // namespace fallow::detail
