#include "guest/kernel/balloon_binding.h"

#include "fallow/balloon/driver/detail/driver_features.h"
#include "fallow/zone/detail/isolation.h"
#include "guest/kernel/event.h"

namespace fallow::guest {
namespace {

BalloonDriverConfig config_of(const Options& options) {
  BalloonDriverConfig config;
  // An allocation may fail on any CPU, and only CPU 0 may deflate: the balloon stays as large as it is.
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
      hwm_(options.order, options.mark),
      linux_(options.order),
      aged_(options.order, options.age),
      reporter_(worker.port(), zones.all()) {
  if (options.policy == PolicyKind::Hwm) policy_ = &hwm_;
  if (options.policy == PolicyKind::Linux) policy_ = &linux_;
  if (options.policy == PolicyKind::Aged) policy_ = &aged_;
  worker.set_work({[](void* self) noexcept { return static_cast<BalloonBinding*>(self)->work(); }, this});
  if (device_.transport == nullptr) complaint_ = StringRef("no device");
}

// Two pieces: the lists, and what the reporter keeps of each request.
ByteCount BalloonBinding::arena_size(const Options& options) noexcept {
  constexpr std::uint64_t kRequest = 64, kSlack = 4 * Arena::kGrain;
  return {options.in_flight * (options.capacity * sizeof(ScatterEntry) + kRequest) + kSlack};
}

bool BalloonBinding::create(EarlyMemory& memory) noexcept {
  if (device_.transport == nullptr) return true;
  const BalloonDriverConfig config = config_of(options_);
  const ByteCount shared_size = BalloonDriver::shared_size(config);
  const EarlyMemory::Place shared = memory.take(shared_size);
  const std::span<std::byte> own = memory.take_bytes(BalloonDriver::own_size(config, zones_.main()));
  if (shared.memory == nullptr || own.empty()) return false;
  driver_ =
      memory.make<BalloonDriver>(worker_.port(), *device_.transport, zones_.main(), zones_.driver_cache(),
                                 config, SharedMemory{shared.memory, shared.address, shared_size}, own);
  if (driver_ == nullptr) return false;
  driver_->connect(reporter_);
  return true;
}

void BalloonBinding::blame(StringRef what, Status status) noexcept {
  if (complaint_.empty()) complaint_.put(what).put(": ").put(describe(status));
}

void BalloonBinding::bind() noexcept {
  if (driver_ == nullptr) return;
  const Status probed = worker_.as_worker([this] { return driver_->probe(); });
  if (probed != Status::Ok) return blame("the device could not be initialised", probed);
  say_device();
  if (policy_ == nullptr) return;
  if (!driver_->reports()) return blame("the device does not take reports", Status::NotFound);
  const Status status = reporter_.register_device(*driver_, *policy_);
  if (status != Status::Ok) return blame("the device could not be registered", status);
  registered_ = true;
  ++binds_;
  Event("registered").say(machine_);
}

void BalloonBinding::unbind() noexcept {
  if (driver_ == nullptr) return;
  if (registered_) {
    const Status status = reporter_.unregister_device(*driver_);
    if (status != Status::Ok) blame("the device could not be unregistered", status);
  }
  registered_ = false;
  worker_.as_worker([this] { driver_->remove(); });
}

Nanoseconds BalloonBinding::work() noexcept {
  const Nanoseconds reporter = reporter_.run();
  const Nanoseconds driver = driver_ == nullptr ? kNever : driver_->work();
  return reporter < driver ? reporter : driver;
}

void BalloonBinding::notice() noexcept {
  if (first_report_said_ || reporter_.stats().requests == 0) return;
  first_report_said_ = true;
  Event("first_report").say(machine_);
}

bool BalloonBinding::all_reported() noexcept {
  if (!registered_) return true;
  if (reporter_.stats().in_flight != 0) return false;
  for (const Zone* const zone : zones_.all()) {
    const detail::UnreportedCounts counts = detail::count_unreported(zone->tables(), policy_->order());
    for (const std::uint64_t n : counts.of) {
      if (n != 0) return false;
    }
  }
  return true;
}

// Once: binding again changes nothing of it.
void BalloonBinding::say_device() noexcept {
  if (device_said_) return;
  device_said_ = true;
  const BalloonDriverConfig config = config_of(options_);
  const Features f = detail::choose_features(device_.transport->offered(), config.features, config.poisons);
  Event("device")
      .text("bus", device_.bus)
      .text("place", {device_.place})
      .text("interrupts", device_.interrupts)
      .hex("features", f)
      .text("ring", (f & kFeatureRingPacked) != 0 ? "packed" : "split")
      .flag("event_idx", (f & kFeatureEventIdx) != 0)
      .flag("indirect", (f & kFeatureIndirectDesc) != 0)
      .flag("reporting", driver_->reports())
      .say(machine_);
}

}  // namespace fallow::guest
