// The balloon device of a guest: its work, its features, its memory, its status. Its configuration is in
// guest_config.cc, its rings in guest_rings.cc.
#include "vhost_user/daemon/guest_device.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "fallow/host/detail/system_error.h"
#include "vhost_user/session/ordered_store.h"
#include "vhost_user/session/ring_areas.h"

namespace fallow::vhost {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr std::uint8_t kFound = kStatusAcknowledge | kStatusDriver;

}  // namespace

void GuestDevice::Free::operator()(std::byte* memory) const noexcept {
  ::operator delete[](memory, kAlignment);
}

GuestDevice::GuestDevice(const BalloonGuestOptions& options, GuestRecord& record, BalloonGuestEvents& events,
                         DiscardGate& gate)
    : options_(options),
      record_(record),
      events_(events),
      gate_(gate),
      same_driver_(record),
      journals_(record) {}

std::string GuestDevice::create(DriverNotifier& notifier, BalloonObserver& observer) {
  constexpr std::uint16_t kMaxEntries = 1024;  // far below the limit of RingProgress
  if (options_.max_queue_size == 0 || options_.max_queue_size > kMaxEntries)
    return "queue size " + std::to_string(options_.max_queue_size) + " is not within 1 to " +
           std::to_string(kMaxEntries);
  auto memory = GuestMemoryFiles::create({}, gate_, nullptr);
  if (!memory) return memory.error;
  memory_ = std::move(memory.object);
  const BalloonDeviceConfig config{options_.features, options_.max_queue_size};
  const ByteCount size = BalloonDevice::metadata_size(config, memory_->map());
  if (size.raw == 0) return std::string("the features include some that a balloon does not have");
  metadata_.reset(new (kAlignment) std::byte[size.raw]{});
  const auto made =
      BalloonDevice::create(config, memory_->map(), notifier, &observer, {metadata_.get(), size.raw});
  if (!made.ok()) return std::string("creating the device failed: ") + describe(made.status());
  device_ = made.value();
  device_->set_journal(&journals_);
  device_->set_target({record_.target});
  device_->pause_reporting(record_.paused != 0);
  return kicks_.open();
}

bool GuestDevice::any_started() const noexcept {
  return std::any_of(rings_.begin(), rings_.end(), [](const Ring& ring) { return ring.started; });
}

bool GuestDevice::ready() const noexcept {
  return std::any_of(rings_.begin(), rings_.end(),
                     [](const Ring& ring) { return ring.started && ring.enabled; });
}

void GuestDevice::kicked(std::uint32_t rings) noexcept {
  for (; rings != 0; rings &= rings - 1) {
    const auto queue = static_cast<std::size_t>(std::countr_zero(rings));
    if (!std::exchange(rings_[queue].stale_kick, false)) work_.pending |= 1U << queue;
  }
}

bool GuestDevice::process(std::uint16_t queue, std::uint32_t budget) noexcept {
  const Ring& ring = rings_[queue];
  return ring.started && ring.enabled && device_->process(queue, budget);
}

void GuestDevice::report_fault(std::uint16_t queue) noexcept {
  const DriverMistakes mistakes = device_->mistakes();
  if (mistakes.rings == faults_) return;
  faults_ = mistakes.rings;
  work_.errs |= 1U << queue;
  events_.guest_event(record_.number, BalloonGuestEvents::Kind::RingFault,
                      "queue " + std::to_string(queue) + ": " + describe(mistakes.last_ring_fault));
}

std::size_t GuestDevice::take_notifications(std::span<int, kMaxNotifications> due) noexcept {
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) {
    if ((work_.calls >> i & 1) != 0) due[count++] = rings_[i].call;
    if ((work_.errs >> i & 1) != 0) due[count++] = rings_[i].err;
  }
  work_.calls = work_.errs = 0;
  return count;
}

Status GuestDevice::refuse(std::string why) noexcept {
  why_ = std::move(why);
  return Status::InvalidArgument;
}

// A driver begins: what the previous driver left in the device is cleared. A driver that a new process takes
// over has not begun, and keeps its configuration. A driver whose rings stopped may continue, which shows
// when a ring starts.
Status GuestDevice::set_features(Features features) noexcept {
  if (any_started()) return Status::Ok;
  // A process that died may have left such features, which the session has not checked.
  if ((features & ~offered()) != 0 || (features & kFeatureVersion1) != kFeatureVersion1)
    return refuse("the features lack VIRTIO_F_VERSION_1, or include some that were not offered");
  const bool same_features = features == device_->accepted() && (device_->status() & kStatusNeedsReset) == 0;
  if (same_driver_.open() && !resuming_ && same_features) return Status::Ok;
  if (!resuming_) another_driver();
  const std::uint32_t actual = record_.actual;
  begin_device(features);
  record_.actual = resuming_ ? actual : 0;
  if (record_.actual != 0) write_field(kBalloonActual, actual);
  next_poison(resuming_);
  return Status::Ok;
}

// Started rings continue at their positions, in the new memory. Nothing is written into them: they may belong
// to another driver, of which no message has arrived yet.
Status GuestDevice::change_memory(std::span<const MemoryRegion> regions) noexcept {
  ByteCount size;
  for (const MemoryRegion& region : regions) size = size + ByteCount{region.at.size};
  if (options_.max_memory.raw != 0 && size > options_.max_memory) {
    return refuse(std::to_string(size.raw) + " bytes (" + detail::size_text(size) +
                  ") of guest memory exceed the limit of --max-guest-memory, " +
                  std::to_string(options_.max_memory.raw) + " (" + detail::size_text(options_.max_memory) +
                  ")");
  }
  auto next = GuestMemoryFiles::create(regions, gate_, memory_.get());
  if (!next) return refuse(next.error);
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const Ring& ring = rings_[i];
    if (!ring.started) continue;
    const std::string why =
        ring_error(next.object->map().guest(), ring.at, options_.max_queue_size, packed());
    if (!why.empty())
      return refuse("queue " + std::to_string(i) + " is started and would lose its memory: " + why);
  }
  for (std::uint16_t queue = 0; queue < device_->queue_count(); ++queue)
    static_cast<void>(device_->stop_queue(queue));
  const Status status = device_->change_memory(next.object->map(), next.object->inflated_words());
  FALLOW_CHECK(status == Status::Ok);
  memory_ = std::move(next.object);
  regions_.assign(regions.begin(), regions.end());
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const auto queue = static_cast<std::uint16_t>(i);
    if (!rings_[queue].started) continue;
    const auto chains = owed_chains_of(queue);
    FALLOW_CHECK(begin_ring(queue, chains.position));  // ring_error() has checked the areas
    keep_owed(queue, chains);
  }
  return Status::Ok;
}

Status GuestDevice::set_status(std::uint8_t status) noexcept {
  if (status == 0 && !resuming_ && !same_driver_.open()) restart_device();
  status_ = status;
  return Status::Ok;
}

Status GuestDevice::reset_device() noexcept {
  restart_device();
  status_ = 0;
  return Status::Ok;
}

// Resets the device and performs the handshake up to the features (3.1.1). FEATURES_OK sticks only if
// features were negotiated.
void GuestDevice::begin_device(Features features) noexcept {
  queues_reported_ = false;
  device_->set_status(0);
  device_->accept(features);
  for (const std::uint8_t status : {kStatusAcknowledge, kFound, std::uint8_t{kFound | kStatusFeaturesOk}})
    device_->set_status(status);
  FALLOW_CHECK(features == 0 || (device_->status() & kStatusFeaturesOk) != 0);
}

// Restores the initial state with the features that were accepted, because a front-end does not send them
// again.
void GuestDevice::restart_device() noexcept {
  another_driver();
  begin_device(device_->accepted());
  next_poison(false);
  record_.actual = 0;
}

Status GuestDevice::get_inflight(InflightSettings& inflight) noexcept {
  if (device_->has(kFeatureRingPacked)) return refuse("in-flight tracking of packed rings is not supported");
  if (InflightArea::make(inflight) != Status::Ok)
    return refuse("creating the file of the in-flight area failed");
  return Status::Ok;
}

Status GuestDevice::set_inflight(const InflightSettings& inflight) noexcept {
  auto area = InflightArea::open(inflight);
  if (!area) return refuse(area.error);
  journals_.set_area(std::move(area.object));
  // Whether the area belongs to a ring shows only when a ring starts.
  if (!resuming_) {
    for (RingRecord& ring : record_.rings) ordered_store(ring.tracked.valid, 0);
  }
  return Status::Ok;
}

}  // namespace fallow::vhost
