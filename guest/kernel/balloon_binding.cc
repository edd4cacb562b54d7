#include "guest/kernel/balloon_binding.h"

#include "fallow/balloon/driver/detail/driver_features.h"
#include "fallow/zone/detail/isolation.h"
#include "guest/kernel/event.h"
#include "guest/protocol/event_names.h"

namespace fallow::guest {
namespace {

BalloonDriverConfig config_of(const Options& options) {
  BalloonDriverConfig config;
  // An allocation may fail on any CPU, but only CPU 0 may deflate; so deflate-on-OOM is not negotiated.
  config.features &= ~kBalloonDeflateOnOom;
  config.capacity = options.capacity;
  config.in_flight = options.in_flight;
  return config;
}

}  // namespace

BalloonBinding::BalloonBinding(Machine& machine, Worker& worker, GuestZones& zones, const Options& options,
                               const FoundDevice& device) noexcept
    : machine_(machine),
      worker_(worker),
      zones_(zones),
      options_(options),
      device_(device),
      policy_(options.policy, options.order),
      reporter_(worker.port(), zones.all()) {
  worker.set_work({[](void* self) noexcept { return static_cast<BalloonBinding*>(self)->work(); }, this});
  if (device_.transport == nullptr) error_text_ = StringRef("no device");
}

// The arena holds the scatter lists and the reporter's record of each request.
ByteCount BalloonBinding::arena_size(const Options& options) noexcept {
  constexpr std::uint64_t kRequest = 64, kSlack = 4 * detail::Arena::kGrain;
  return {options.in_flight * (options.capacity * sizeof(ScatterEntry) + kRequest) + kSlack};
}

bool BalloonBinding::create(EarlyMemory& memory) noexcept {
  if (device_.transport == nullptr) return true;
  const BalloonDriverConfig config = config_of(options_);
  const ByteCount shared_size = BalloonDriver::shared_size(config);
  const EarlyMemory::Piece shared = memory.take(shared_size);
  const std::span<std::byte> own = memory.take_bytes(BalloonDriver::own_size(config, zones_.main()));
  if (shared.memory == nullptr || own.empty()) return false;
  driver_ =
      memory.make<BalloonDriver>(worker_.port(), *device_.transport, zones_.main(), zones_.driver_cache(),
                                 config, SharedMemory{shared.memory, shared.address, shared_size}, own);
  if (driver_ == nullptr) return false;
  driver_->connect(reporter_);
  return true;
}

void BalloonBinding::set_error(StringRef what, Status status) noexcept {
  if (error_text_.empty()) error_text_.put(what).put(": ").put(describe(status));
}

void BalloonBinding::bind() noexcept {
  if (driver_ == nullptr) return;
  const Status probed = worker_.as_worker([this] { return driver_->probe(); });
  if (probed != Status::Ok) return set_error("the device failed to initialise", probed);
  write_device_event();
  if (policy_.get() == nullptr) return;
  if (!driver_->reports()) return set_error("the device does not offer page reporting", Status::NotFound);
  const Status status = reporter_.register_device(*driver_, policy());
  if (status != Status::Ok) return set_error("the device failed to register", status);
  registered_ = true;
  ++binds_;
  Event(event_name::kRegistered).write_to(machine_);
}

void BalloonBinding::unbind() noexcept {
  if (driver_ == nullptr) return;
  if (registered_) {
    const Status status = reporter_.unregister_device(*driver_);
    if (status != Status::Ok) set_error("the device failed to unregister", status);
  }
  registered_ = false;
  worker_.as_worker([this] { driver_->remove(); });
}

Nanoseconds BalloonBinding::work() noexcept {
  const Nanoseconds reporter = reporter_.run();
  const Nanoseconds driver = driver_ == nullptr ? kNever : driver_->work();
  return reporter < driver ? reporter : driver;
}

void BalloonBinding::write_first_report() noexcept {
  if (first_report_written_ || reporter_.stats().requests == 0) return;
  first_report_written_ = true;
  Event(event_name::kFirstReport).write_to(machine_);
}

bool BalloonBinding::all_reported() noexcept {
  if (!registered_) return true;
  if (reporter_.stats().in_flight != 0) return false;
  for (const Zone* const zone : zones_.all()) {
    const detail::UnreportedCounts counts = detail::count_unreported(zone->tables(), policy().order());
    for (const std::uint64_t n : counts.of) {
      if (n != 0) return false;
    }
  }
  return true;
}

// Written only once, because a rebind does not change the device.
void BalloonBinding::write_device_event() noexcept {
  if (device_written_) return;
  device_written_ = true;
  const BalloonDriverConfig config = config_of(options_);
  const Features f = detail::choose_features(device_.transport->offered(), config.features, config.poisons);
  Event(event_name::kDevice)
      .text("bus", device_.bus)
      .text("place", {device_.address})
      .text("interrupts", device_.interrupts)
      .hex("features", f)
      .text("ring", (f & kFeatureRingPacked) != 0 ? "packed" : "split")
      .flag("event_idx", (f & kFeatureEventIdx) != 0)
      .flag("indirect", (f & kFeatureIndirectDesc) != 0)
      .flag("reporting", driver_->reports())
      .write_to(machine_);
}

}  // namespace fallow::guest
