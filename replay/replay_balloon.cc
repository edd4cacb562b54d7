#include "replay/replay_balloon.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fallow/host/anonymous_backing.h"
#include "replay/malformed_ring.h"

namespace fallow::replay {
namespace {

constexpr std::size_t kRingAlignment = 4096, kTableAlignment = 64;

Features ring_features(const BalloonOptions& o) {
  return kFeatureRingReset | (o.event_index ? kFeatureEventIdx : 0) |
         (o.indirect ? kFeatureIndirectDesc : 0) |
         (o.transport == TransportKind::VirtioPacked ? kFeatureRingPacked : 0);
}

// Both driver and device offer these features, so negotiation yields exactly this set.
Features features_of(const BalloonOptions& o) {
  return kBalloonDriverFeatures | (o.init_reported ? kBalloonInitReported : 0) | ring_features(o);
}

BalloonDriverConfig driver_config(const BalloonSetup& setup) {
  BalloonDriverConfig config;
  config.features = features_of(setup.options);
  config.queue_size = setup.options.queue_size;
  config.capacity = std::min<std::uint32_t>(setup.capacity, setup.options.queue_size);
  config.in_flight = setup.options.in_flight;
  return config;
}

BalloonDeviceConfig device_config(const BalloonSetup& setup) {
  BalloonDeviceConfig config;
  config.features = features_of(setup.options);
  config.max_queue_size = setup.options.queue_size;
  return config;
}

ByteCount whole_pages(ByteCount size) {
  return {(size.raw + kRingAlignment - 1) / kRingAlignment * kRingAlignment};
}

}  // namespace

ReplayBalloon::ReplayBalloon(const BalloonSetup& setup, Port& port, Zone& zone, ResidencyModel& residency,
                             Backing* host)
    : setup_(setup), port_(port), zone_(zone), backing_(residency, zone.size(), host) {
  if (host != nullptr) frames_ = host->address(zone.base());
}

Expected<ReplayBalloon> ReplayBalloon::create(const BalloonSetup& setup, Port& port, Zone& zone,
                                              LocalCache& cache, ResidencyModel& residency, Backing* host) {
  std::unique_ptr<ReplayBalloon> balloon(new ReplayBalloon(setup, port, zone, residency, host));
  std::string error = balloon->set_up(cache);
  if (!error.empty()) return error;
  return balloon;
}

ReplayBalloon::~ReplayBalloon() { close(); }

// The frames of the zone begin at address 0; the ring follows. The ring lies outside the backing, so the
// device would refuse a report of its frames.
std::string ReplayBalloon::set_up_memory(const BalloonDriverConfig& config) {
  if (frames_ == nullptr) {
    AnonymousOptions addresses;
    addresses.size = zone_.size();
    auto reserved = AnonymousBacking::create(addresses);
    if (!reserved) return reserved.error;
    addresses_ = std::move(reserved.object);
    frames_ = addresses_->address(Pfn{0});
  }
  ring_size_ = whole_pages(BalloonDriver::shared_size(config));
  const ByteCount ring = ring_size_ + kMalformedRingSize;
  if (ring_size_.raw == 0 || !ring_.take(ring, kRingAlignment) ||
      !driver_memory_.take(BalloonDriver::own_size(config, zone_), kTableAlignment))
    return fmt::format("cannot allocate a queue of {} descriptors", config.queue_size);
  const Pfn behind = Pfn{0} + zone_.size();
  const std::array<MappedRegion, 2> regions = {
      {{{GuestPhys{0}, bytes(zone_.size()), frames_}, &backing_, Pfn{0}},
       {{ring_address(), ring, ring_.bytes().data()}, &backing_, behind}}};
  const Status status = map_.assign(regions);
  if (status != Status::Ok) return fmt::format("cannot map the guest memory: {}", describe(status));
  const ByteCount tables = BalloonDevice::metadata_size(device_config(setup_), map_);
  if (!device_memory_.take(tables, kTableAlignment))
    return "cannot allocate the tables of the balloon device";
  return {};
}

std::string ReplayBalloon::set_up_threads() {
  if (!setup_.threads) return {};
  auto device = detail::EventThread::create(
      {[](void* balloon) noexcept { static_cast<ReplayBalloon*>(balloon)->transport_->run_device(); }, this});
  if (!device) return device.error;
  auto driver = detail::EventThread::create(
      {[](void* balloon) noexcept { static_cast<ReplayBalloon*>(balloon)->transport_->run_driver(); }, this});
  if (!driver) return driver.error;
  device_thread_ = std::move(device.object);
  driver_thread_ = std::move(driver.object);
  return {};
}

std::string ReplayBalloon::set_up(LocalCache& cache) {
  const BalloonDriverConfig config = driver_config(setup_);
  if (std::string error = set_up_memory(config); !error.empty()) return error;
  if (std::string error = set_up_threads(); !error.empty()) return error;
  transport_ = setup_.threads
                   ? std::make_unique<InProcessTransport>(port_, device_thread_->event().doorbell(),
                                                          driver_thread_->event().doorbell())
                   : std::make_unique<InProcessTransport>(port_, Doorbell{}, Doorbell{});
  const auto device =
      BalloonDevice::create(device_config(setup_), map_, *transport_, nullptr, device_memory_.bytes());
  if (!device.ok()) return fmt::format("cannot create the balloon device: {}", describe(device.status()));
  device_ = device.value();
  transport_->attach(*device_);
  const SharedMemory shared{ring_.bytes().data(), ring_address(), ring_size_};
  driver_ = std::make_unique<BalloonDriver>(port_, *transport_, zone_, cache, config, shared,
                                            driver_memory_.bytes());
  const Status status = driver_->probe();
  if (status != Status::Ok) return fmt::format("cannot initialise the balloon driver: {}", describe(status));
  open_ = true;
  if (!driver_->reports()) return "driver and device of the balloon did not negotiate page reporting";
  return {};
}

Nanoseconds ReplayBalloon::work() noexcept {
  // relaxed: the flag orders no other access; port.wake_at() makes the worker run.
  if (reset_wanted_.exchange(false, std::memory_order_relaxed)) {
    // If the device does not come back, later driver work retries.
    static_cast<void>(driver_->recover());
  }
  return driver_->work();
}

void ReplayBalloon::settle() noexcept {
  if (device_thread_ != nullptr) device_thread_->flush();
  if (driver_thread_ != nullptr) driver_thread_->flush();
}

// Removes the driver first: removal needs a running device.
void ReplayBalloon::close() noexcept {
  if (std::exchange(open_, false)) driver_->remove();
  if (driver_thread_ != nullptr) driver_thread_->stop();
  if (device_thread_ != nullptr) device_thread_->stop();
}

void ReplayBalloon::break_device() noexcept {
  constexpr std::uint16_t kInflate = 0;
  const bool broken = transport_->with_device([this] {
    if ((device_->status() & (kStatusDriverOk | kStatusNeedsReset)) != kStatusDriverOk) return false;
    device_->stop_queue(kInflate);
    const detail::QueueAddresses malformed =
        write_malformed_ring(ring_.bytes().subspan(ring_size_.raw), ring_address() + ring_size_,
                             setup_.options.transport == TransportKind::VirtioPacked);
    return device_->start_queue(kInflate, malformed) == Status::Ok;
  });
  if (broken) transport_->notify(kInflate);
}

void ReplayBalloon::reset_device() noexcept {
  reset_wanted_.store(true, std::memory_order_relaxed);
  port_.wake_at(port_.now());
}

BalloonCounts ReplayBalloon::counts() const noexcept {
  const InProcessCounts sent = transport_->counts();
  return {.to_device = sent.to_device,
          .to_driver = sent.to_driver,
          .descriptors = device_->descriptors(),
          .refused = device_->stats().refused_all(),
          .resets = driver_->stats().resets};
}

}  // namespace fallow::replay
