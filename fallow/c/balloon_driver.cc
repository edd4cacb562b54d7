#include "fallow/c/balloon_driver.h"

#include <new>

#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/c/detail/c_transport.h"
#include "fallow/c/detail/reporter_handle.h"
#include "fallow/c/detail/zone_handle.h"

/// The driver with its port and transport. Its own memory follows.
struct alignas(fallow::detail::kStorageAlignment) fallow_balloon_driver {
  static constexpr auto kKind = fallow::detail::HandleKind::Driver;

  fallow_balloon_driver(const fallow_balloon_driver_config& config, const fallow::BalloonDriverConfig& wants,
                        std::span<std::byte> own) noexcept
      : fill(config.fill),
        fill_context(config.fill_context),
        port(config.reporter->port.functions()),
        transport(port, config.transport),
        driver(port, transport, *config.zone->zone, *fallow::detail::from_c(config.cache), wants,
               {static_cast<std::byte*>(config.shared), {config.shared_address}, {config.shared_size}}, own),
        reporter(*config.reporter) {}

  fallow::detail::HandleKind kind = fallow::detail::HandleKind::None;
  void (*fill)(void* context, std::uint64_t first, std::uint64_t count) = nullptr;
  void* fill_context = nullptr;
  fallow::detail::CPort port;
  fallow::detail::CTransport transport;
  fallow::BalloonDriver driver;
  fallow_reporter& reporter;
};

namespace fallow::detail {
namespace {

static_assert(FALLOW_MAX_QUEUE_SIZE == kMaxQueueSize);
static_assert((FALLOW_BALLOON_F_MUST_TELL_HOST | FALLOW_BALLOON_F_STATS_VQ | FALLOW_BALLOON_F_DEFLATE_ON_OOM |
               FALLOW_BALLOON_F_FREE_PAGE_HINT | FALLOW_BALLOON_F_PAGE_POISON | FALLOW_BALLOON_F_REPORTING |
               FALLOW_BALLOON_F_INIT_REPORTED) == kBalloonKnownFeatures);
static_assert((FALLOW_F_INDIRECT_DESC | FALLOW_F_EVENT_IDX | FALLOW_F_RING_PACKED | FALLOW_F_RING_RESET) ==
                  kRingFeatures &&
              FALLOW_F_VERSION_1 == kFeatureVersion1);

bool complete(const fallow_transport& t) noexcept {
  return t.offered != nullptr && t.accept != nullptr && t.status != nullptr && t.set_status != nullptr &&
         t.config_generation != nullptr && t.read_config != nullptr && t.write_config != nullptr &&
         t.max_queue_size != nullptr && t.start_queue != nullptr && t.notify != nullptr;
}

bool in_range(const fallow_balloon_driver_config* config) noexcept {
  return config != nullptr && config->queue_size <= FALLOW_MAX_QUEUE_SIZE && config->in_flight <= kMaxDepth;
}

BalloonDriverConfig wants_of(const fallow_balloon_driver_config& config) noexcept {
  BalloonDriverConfig wants;
  if (config.features != 0) wants.features = config.features;
  if (config.transport.reset_queue == nullptr) wants.features &= ~kFeatureRingReset;
  if (config.queue_size != 0) wants.queue_size = static_cast<std::uint16_t>(config.queue_size);
  if (config.capacity != 0) wants.capacity = config.capacity;
  if (config.in_flight != 0) wants.in_flight = config.in_flight;
  wants.poisons = config.poisons != 0;
  wants.poison = config.poison;
  return wants;
}

// Returns the bytes of the handle and the driver's own memory; 0 if the configuration is not valid.
std::uint64_t needed_by(const fallow_balloon_driver_config* config) noexcept {
  if (!in_range(config) || !valid(config->zone)) return 0;
  return sizeof(fallow_balloon_driver) + BalloonDriver::own_size(wants_of(*config), *config->zone->zone).raw;
}

bool belongs(fallow_cache* cache, Zone& zone) noexcept {
  for (std::uint32_t i = 0; i < zone.cache_count(); ++i) {
    if (from_c(cache) == &zone.cache(i)) return true;
  }
  return false;
}

bool fits(const fallow_balloon_driver_config& config) noexcept {
  const auto memory = reinterpret_cast<std::uintptr_t>(config.shared);
  return complete(config.transport) && valid(config.reporter) && valid(config.zone) &&
         config.zone->reporter.load(std::memory_order_relaxed) == config.reporter &&
         belongs(config.cache, *config.zone->zone) && config.shared != nullptr &&
         memory % FALLOW_FRAME_SIZE == 0 && config.shared_address % FALLOW_FRAME_SIZE == 0 &&
         config.shared_size >= BalloonDriver::shared_size(wants_of(config)).raw;
}

void fill_frames(void* driver, Pfn first, PfnCount count) {
  auto& self = *static_cast<fallow_balloon_driver*>(driver);
  self.fill(self.fill_context, first.raw, count.raw);
}

}  // namespace

extern "C" {

uint64_t fallow_balloon_driver_shared_size(const fallow_balloon_driver_config* config) {
  return in_range(config) ? BalloonDriver::shared_size(wants_of(*config)).raw : 0;
}

uint64_t fallow_balloon_driver_size(const fallow_balloon_driver_config* config) {
  return storage_size(needed_by(config));
}

fallow_status fallow_balloon_driver_create(const fallow_balloon_driver_config* config, void* memory,
                                           uint64_t size, fallow_balloon_driver** driver) {
  if (driver == nullptr) return FALLOW_INVALID_ARGUMENT;
  *driver = nullptr;
  const std::span<std::byte> storage = take_storage(memory, size, needed_by(config));
  if (storage.empty() || !fits(*config)) return FALLOW_INVALID_ARGUMENT;
  const std::span<std::byte> own = storage.subspan(sizeof(fallow_balloon_driver));
  clear(own);
  clear({static_cast<std::byte*>(config->shared), static_cast<std::size_t>(config->shared_size)});
  BalloonDriverConfig wants = wants_of(*config);
  auto* const made = reinterpret_cast<fallow_balloon_driver*>(storage.data());
  if (config->fill != nullptr) wants.fill = {fill_frames, made};
  new (made) fallow_balloon_driver(*config, wants, own);
  made->driver.connect(made->reporter.reporter);
  made->reporter.users.fetch_add(1, std::memory_order_relaxed);
  made->kind = fallow_balloon_driver::kKind;
  *driver = made;
  return FALLOW_OK;
}

fallow_status fallow_balloon_driver_destroy(fallow_balloon_driver* driver) {
  const fallow_status status = fallow_balloon_driver_remove(driver);
  if (status != FALLOW_OK) return status;
  driver->kind = HandleKind::None;
  fallow_reporter& reporter = driver->reporter;
  driver->~fallow_balloon_driver();
  // release: pairs with the acquire in fallow_reporter_destroy().
  reporter.users.fetch_sub(1, std::memory_order_release);
  return FALLOW_OK;
}

fallow_status fallow_balloon_driver_probe(fallow_balloon_driver* driver) {
  if (!valid(driver)) return FALLOW_INVALID_ARGUMENT;
  return to_c(driver->driver.probe());
}

fallow_status fallow_balloon_driver_remove(fallow_balloon_driver* driver) {
  if (!valid(driver)) return FALLOW_INVALID_ARGUMENT;
  if (driver->reporter.registered.load(std::memory_order_relaxed) == driver) return FALLOW_BUSY;
  driver->driver.remove();
  return FALLOW_OK;
}

fallow_status fallow_balloon_driver_recover(fallow_balloon_driver* driver) {
  if (!valid(driver)) return FALLOW_INVALID_ARGUMENT;
  return to_c(driver->driver.recover());
}

fallow_status fallow_balloon_driver_reset_reporting_queue(fallow_balloon_driver* driver) {
  if (!valid(driver)) return FALLOW_INVALID_ARGUMENT;
  return to_c(driver->driver.reset_reporting_queue());
}

uint32_t fallow_balloon_driver_reports(const fallow_balloon_driver* driver) {
  return valid(driver) && driver->driver.reports() ? 1 : 0;
}

fallow_status fallow_balloon_driver_register(fallow_balloon_driver* driver, const char* policy,
                                             uint32_t order) {
  if (!valid(driver)) return FALLOW_INVALID_ARGUMENT;
  if (!driver->driver.reports()) return FALLOW_NOT_FOUND;
  if (!claim(driver->reporter, driver)) return FALLOW_BUSY;
  return register_claimed(driver->reporter, driver->driver, policy, report_order(order));
}

fallow_status fallow_balloon_driver_unregister(fallow_balloon_driver* driver) {
  if (!valid(driver)) return FALLOW_INVALID_ARGUMENT;
  return unregister(driver->reporter, driver, driver->driver);
}

fallow_status fallow_balloon_driver_queue_used(fallow_balloon_driver* driver, uint32_t queue) {
  if (!valid(driver) || queue > UINT16_MAX) return FALLOW_INVALID_ARGUMENT;
  driver->transport.deliver(PendingNotifications::of(static_cast<std::uint16_t>(queue)));
  return FALLOW_OK;
}

fallow_status fallow_balloon_driver_config_changed(fallow_balloon_driver* driver) {
  if (!valid(driver)) return FALLOW_INVALID_ARGUMENT;
  driver->transport.deliver(PendingNotifications::kConfig);
  return FALLOW_OK;
}

uint64_t fallow_balloon_driver_work(fallow_balloon_driver* driver) {
  if (!valid(driver)) return FALLOW_NEVER;
  return driver->port.run([driver] { return driver->driver.work(); }).raw;
}

uint64_t fallow_balloon_driver_next_deadline(const fallow_balloon_driver* driver) {
  return valid(driver) ? driver->port.next_deadline().raw : FALLOW_NEVER;
}

uint64_t fallow_balloon_driver_deflate_on_oom(fallow_balloon_driver* driver, uint64_t wanted) {
  return valid(driver) ? driver->driver.deflate_on_oom({wanted}).raw : 0;
}

fallow_status fallow_balloon_driver_get_stats(const fallow_balloon_driver* driver,
                                              fallow_balloon_driver_stats* stats) {
  if (!valid(driver) || stats == nullptr) return FALLOW_INVALID_ARGUMENT;
  const BalloonDriverStats now = driver->driver.stats();
  *stats = {.probes = now.probes,
            .resets = now.resets,
            .requests = now.requests,
            .descriptors = now.descriptors,
            .kicks = now.kicks,
            .ring_faults = now.ring_faults,
            .wrong_lengths = now.wrong_lengths,
            .abandoned = now.abandoned,
            .inflated = now.inflated.raw};
  return FALLOW_OK;
}

}  // extern "C"

}  // namespace fallow::detail
