#include "fallow/c/balloon_device.h"

#include <bit>
#include <new>

#include "fallow/balloon/device/balloon_device.h"
#include "fallow/c/balloon_driver.h"
#include "fallow/c/detail/c_backing.h"
#include "fallow/c/detail/storage.h"

namespace fallow::detail {
namespace {

// The driver's notifications and the host's notices.
class CHost final : public DriverNotifier, public BalloonObserver {
 public:
  explicit CHost(const fallow_balloon_device_config& config) noexcept : f_(config) {}

  void queue_used(std::uint16_t queue) noexcept override { f_.queue_used(f_.context, queue); }
  void config_changed() noexcept override { f_.config_changed(f_.context); }

  void notice(Notice what) noexcept override {
    if (f_.notice != nullptr) f_.notice(f_.context, static_cast<std::uint32_t>(what));
  }
  void statistics() noexcept override {
    if (f_.statistics != nullptr) f_.statistics(f_.context);
  }
  void hinted(GuestPhys address, ByteCount size) noexcept override {
    if (f_.hinted != nullptr) f_.hinted(f_.context, address.raw, size.raw);
  }
  void actual_changed() noexcept override {
    if (f_.actual_changed != nullptr) f_.actual_changed(f_.context);
  }

 private:
  const fallow_balloon_device_config f_;
};

static_assert(static_cast<std::uint32_t>(BalloonObserver::Notice::PoisonKeepsPages) ==
                  FALLOW_BALLOON_POISON_KEEPS_PAGES &&
              static_cast<std::uint32_t>(BalloonObserver::Notice::PoisonInDoubt) ==
                  FALLOW_BALLOON_POISON_IN_DOUBT &&
              static_cast<std::uint32_t>(BalloonObserver::Notice::NotReleased) ==
                  FALLOW_BALLOON_NOT_RELEASED);
static_assert(FALLOW_MAX_REGIONS == GuestMemory::kMaxRegions);
static_assert(kStatTags == sizeof(fallow_guest_statistics::value) / sizeof(std::uint64_t));

}  // namespace
}  // namespace fallow::detail

/// The device with its map, backings and notifier. The device's own memory follows.
struct alignas(fallow::detail::kStorageAlignment) fallow_balloon_device {
  static constexpr auto kKind = fallow::detail::HandleKind::Device;

  explicit fallow_balloon_device(const fallow_balloon_device_config& config) noexcept : host(config) {}

  fallow::detail::HandleKind kind = fallow::detail::HandleKind::None;
  fallow::detail::CHost host;
  fallow::MemoryMap map;
  fallow::detail::CBacking backings[FALLOW_MAX_REGIONS];  // by region
  fallow::BalloonDevice* device = nullptr;

  // Of fallow_balloon_device_transport(): the queues to serve, a bit each, and whether they are being served.
  std::uint32_t kicks = 0;
  bool serving = false;
};

namespace fallow::detail {
namespace {

bool in_range(const fallow_balloon_device_config* config) noexcept {
  if (config == nullptr || config->regions == nullptr || config->region_count == 0 ||
      config->region_count > FALLOW_MAX_REGIONS || config->max_queue_size > FALLOW_MAX_QUEUE_SIZE ||
      config->queue_used == nullptr || config->config_changed == nullptr)
    return false;
  for (std::uint32_t i = 0; i < config->region_count; ++i) {
    if (!CBacking::usable(config->regions[i].backing)) return false;
  }
  return true;
}

BalloonDeviceConfig offers_of(const fallow_balloon_device_config& config) noexcept {
  BalloonDeviceConfig offers;
  if (config.features != 0) offers.features = config.features;
  if (config.max_queue_size != 0) offers.max_queue_size = static_cast<std::uint16_t>(config.max_queue_size);
  return offers;
}

// Maps region i to backing_of(i).
template <class BackingOf>
Status map_regions(const fallow_balloon_device_config& config, MemoryMap& map,
                   BackingOf backing_of) noexcept {
  MappedRegion regions[FALLOW_MAX_REGIONS];
  for (std::uint32_t i = 0; i < config.region_count; ++i) {
    const fallow_mapped_region& from = config.regions[i];
    regions[i] = {
        {{from.guest_address}, {from.size}, static_cast<std::byte*>(from.host)}, backing_of(i), {from.first}};
  }
  return map.assign({regions, config.region_count});
}

// Returns the bytes of the handle and the device together; 0 if the configuration is not valid.
std::uint64_t needed_by(const fallow_balloon_device_config* config) noexcept {
  if (!in_range(config)) return 0;
  MemoryMap map;
  CBacking any;  // the size does not depend on the backings
  if (map_regions(*config, map, [&](std::uint32_t) { return &any; }) != Status::Ok) return 0;
  const std::uint64_t tables = BalloonDevice::metadata_size(offers_of(*config), map).raw;
  return tables == 0 ? 0 : sizeof(fallow_balloon_device) + tables;
}

// ---- The functions of fallow_balloon_device_transport(). ----

fallow_balloon_device* device_of(void* context) noexcept {
  return static_cast<fallow_balloon_device*>(context);
}

void set_status(void* context, std::uint8_t status) noexcept {
  device_of(context)->device->set_status(status);
  if (status == 0) device_of(context)->kicks = 0;  // notifications from before the reset are void
}

void read_config(void* context, std::uint32_t offset, void* into, std::uint32_t length) noexcept {
  static_cast<void>(fallow_balloon_device_read_config(device_of(context), offset, into, length));
}

void write_config(void* context, std::uint32_t offset, const void* from, std::uint32_t length) noexcept {
  static_cast<void>(fallow_balloon_device_write_config(device_of(context), offset, from, length));
}

// A driver that learns of a used buffer notifies again while the queue is served. The first call serves that
// too.
void notify(void* context, std::uint32_t queue) noexcept {
  constexpr std::uint32_t kBudget = 16;
  fallow_balloon_device& device = *device_of(context);
  if (queue >= VirtioDevice::kMaxQueues) return;
  device.kicks |= std::uint32_t{1} << queue;
  if (device.serving) return;
  device.serving = true;
  while (device.kicks != 0) {
    const auto next = static_cast<std::uint16_t>(std::countr_zero(device.kicks));
    device.kicks &= device.kicks - 1;
    if (device.device->process(next, kBudget)) device.kicks |= std::uint32_t{1} << next;
  }
  device.serving = false;
}

}  // namespace

extern "C" {

uint64_t fallow_balloon_device_size(const fallow_balloon_device_config* config) {
  return storage_size(needed_by(config));
}

fallow_status fallow_balloon_device_create(const fallow_balloon_device_config* config, void* memory,
                                           uint64_t size, fallow_balloon_device** device) {
  if (device == nullptr) return FALLOW_INVALID_ARGUMENT;
  *device = nullptr;
  const std::span<std::byte> storage = take_storage(memory, size, needed_by(config));
  if (storage.empty()) return FALLOW_INVALID_ARGUMENT;
  clear(storage);
  auto* const made = new (storage.data()) fallow_balloon_device(*config);
  for (std::uint32_t i = 0; i < config->region_count; ++i)
    made->backings[i] = CBacking(*config->regions[i].backing);
  Status status = map_regions(*config, made->map, [&](std::uint32_t i) { return &made->backings[i]; });
  if (status != Status::Ok) return to_c(status);
  const Result<BalloonDevice*> result = BalloonDevice::create(
      offers_of(*config), made->map, made->host, &made->host, storage.subspan(sizeof(fallow_balloon_device)));
  if (!result.ok()) return to_c(result.status());
  made->device = result.value();
  made->kind = fallow_balloon_device::kKind;
  *device = made;
  return FALLOW_OK;
}

fallow_status fallow_balloon_device_destroy(fallow_balloon_device* device) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  device->kind = HandleKind::None;
  return FALLOW_OK;
}

uint64_t fallow_balloon_device_offered(const fallow_balloon_device* device) {
  return valid(device) ? device->device->offered() : 0;
}

uint64_t fallow_balloon_device_accepted(const fallow_balloon_device* device) {
  return valid(device) ? device->device->accepted() : 0;
}

fallow_status fallow_balloon_device_accept(fallow_balloon_device* device, uint64_t features) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  device->device->accept(features);
  return FALLOW_OK;
}

uint8_t fallow_balloon_device_status(const fallow_balloon_device* device) {
  return valid(device) ? device->device->status() : std::uint8_t{0};
}

fallow_status fallow_balloon_device_set_status(fallow_balloon_device* device, uint8_t status) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  device->device->set_status(status);
  return FALLOW_OK;
}

uint32_t fallow_balloon_device_config_generation(const fallow_balloon_device* device) {
  return valid(device) ? device->device->config_generation() : 0;
}

fallow_status fallow_balloon_device_read_config(fallow_balloon_device* device, uint32_t offset, void* into,
                                                uint32_t length) {
  if (!valid(device) || into == nullptr) return FALLOW_INVALID_ARGUMENT;
  device->device->read_config(offset, {static_cast<std::byte*>(into), length});
  return FALLOW_OK;
}

fallow_status fallow_balloon_device_write_config(fallow_balloon_device* device, uint32_t offset,
                                                 const void* from, uint32_t length) {
  if (!valid(device) || from == nullptr) return FALLOW_INVALID_ARGUMENT;
  device->device->write_config(offset, {static_cast<const std::byte*>(from), length});
  return FALLOW_OK;
}

uint32_t fallow_balloon_device_max_queue_size(const fallow_balloon_device* device, uint32_t queue) {
  return valid(device) && queue < device->device->queue_count() ? device->device->max_queue_size() : 0;
}

fallow_status fallow_balloon_device_start_queue(fallow_balloon_device* device, uint32_t queue,
                                                const fallow_queue_addresses* addresses) {
  if (!valid(device) || addresses == nullptr || queue > UINT16_MAX || addresses->size > FALLOW_MAX_QUEUE_SIZE)
    return FALLOW_INVALID_ARGUMENT;
  return to_c(device->device->start_queue(static_cast<std::uint16_t>(queue),
                                          {static_cast<std::uint16_t>(addresses->size),
                                           {addresses->descriptors},
                                           {addresses->driver_area},
                                           {addresses->device_area}}));
}

fallow_status fallow_balloon_device_stop_queue(fallow_balloon_device* device, uint32_t queue) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  const auto number = static_cast<std::uint16_t>(queue);
  if (queue != number || !device->device->started(number)) return FALLOW_NOT_FOUND;
  device->device->stop_queue(number);
  return FALLOW_OK;
}

uint32_t fallow_balloon_device_process(fallow_balloon_device* device, uint32_t queue, uint32_t budget) {
  if (!valid(device) || queue > UINT16_MAX) return 0;
  return device->device->process(static_cast<std::uint16_t>(queue), budget) ? 1 : 0;
}

fallow_status fallow_balloon_device_transport(fallow_balloon_device* device, fallow_transport* transport) {
  if (!valid(device) || transport == nullptr) return FALLOW_INVALID_ARGUMENT;
  *transport = {
      .context = device,
      .offered = [](void* context) -> uint64_t { return device_of(context)->device->offered(); },
      .accept = [](void* context, uint64_t features) { device_of(context)->device->accept(features); },
      .status = [](void* context) { return device_of(context)->device->status(); },
      .set_status = set_status,
      .config_generation = [](void* context) { return device_of(context)->device->config_generation(); },
      .read_config = read_config,
      .write_config = write_config,
      .max_queue_size =
          [](void* context, uint32_t queue) {
            return fallow_balloon_device_max_queue_size(device_of(context), queue);
          },
      .start_queue =
          [](void* context, uint32_t queue, const fallow_queue_addresses* addresses) {
            return fallow_balloon_device_start_queue(device_of(context), queue, addresses);
          },
      .reset_queue =
          [](void* context, uint32_t queue) {
            return fallow_balloon_device_stop_queue(device_of(context), queue);
          },
      .notify = notify};
  return FALLOW_OK;
}

fallow_status fallow_balloon_device_set_target(fallow_balloon_device* device, uint64_t frames) {
  if (!valid(device) || frames > UINT32_MAX) return FALLOW_INVALID_ARGUMENT;
  device->device->set_target({frames});
  return FALLOW_OK;
}

uint64_t fallow_balloon_device_target(const fallow_balloon_device* device) {
  return valid(device) ? device->device->target().raw : 0;
}

uint64_t fallow_balloon_device_actual(const fallow_balloon_device* device) {
  return valid(device) ? device->device->actual().raw : 0;
}

fallow_status fallow_balloon_device_request_statistics(fallow_balloon_device* device) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  return to_c(device->device->request_statistics());
}

fallow_status fallow_balloon_device_guest_statistics(const fallow_balloon_device* device,
                                                     fallow_guest_statistics* statistics) {
  if (!valid(device) || statistics == nullptr) return FALLOW_INVALID_ARGUMENT;
  const GuestStatistics& now = device->device->guest_statistics();
  for (std::size_t i = 0; i < kStatTags; ++i) statistics->value[i] = now.value[i];
  statistics->unknown_tags = now.unknown_tags;
  statistics->updates = now.updates;
  statistics->present = now.present;
  return FALLOW_OK;
}

fallow_status fallow_balloon_device_start_hinting(fallow_balloon_device* device) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  return to_c(device->device->start_hinting());
}

fallow_status fallow_balloon_device_stop_hinting(fallow_balloon_device* device) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  if (!device->device->has(kBalloonFreePageHint)) return FALLOW_NOT_FOUND;
  device->device->stop_hinting();
  return FALLOW_OK;
}

fallow_status fallow_balloon_device_finish_hinting(fallow_balloon_device* device) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  if (!device->device->has(kBalloonFreePageHint)) return FALLOW_NOT_FOUND;
  device->device->finish_hinting();
  return FALLOW_OK;
}

fallow_status fallow_balloon_device_pause_reporting(fallow_balloon_device* device, uint32_t on) {
  if (!valid(device)) return FALLOW_INVALID_ARGUMENT;
  device->device->pause_reporting(on != 0);
  return FALLOW_OK;
}

fallow_status fallow_balloon_device_get_stats(const fallow_balloon_device* device,
                                              fallow_balloon_device_stats* stats) {
  if (!valid(device) || stats == nullptr) return FALLOW_INVALID_ARGUMENT;
  const BalloonDeviceStats now = device->device->stats();
  const DriverMistakes mistakes = device->device->mistakes();
  *stats = {.reports = now.reports,
            .entries = now.entries,
            .reported = now.reported.raw,
            .released = now.released.raw,
            .discards = now.discards,
            .paused = now.paused,
            .inflated = now.inflated.raw,
            .inflated_twice = now.inflated_twice,
            .inflate_released = now.inflate_released.raw,
            .hinted = now.hinted,
            .refused = now.refused_all(),
            .driver_mistakes = mistakes.status + mistakes.features + mistakes.config + mistakes.queues +
                               mistakes.kicks + mistakes.rings};
  return FALLOW_OK;
}

}  // extern "C"

}  // namespace fallow::detail
