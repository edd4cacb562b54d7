// The life of a balloon driver: initialisation (3.1.1, 5.5.5), recovery, removal.
#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/balloon/driver/detail/driver_features.h"

namespace fallow {

ByteCount BalloonDriver::shared_size(const BalloonDriverConfig& config) noexcept {
  return detail::DriverMemory::shared_size(config);
}

ByteCount BalloonDriver::own_size(const BalloonDriverConfig& config, const Zone& zone) noexcept {
  return detail::DriverMemory::own_size(config, zone);
}

bool BalloonDriver::valid() const noexcept {
  return memory_.fits && frames_.owns_cache() && config_.queue_size >= 1 &&
         config_.queue_size <= detail::kMaxQueueSize && config_.capacity >= 1 && config_.in_flight >= 1;
}

Status BalloonDriver::probe() noexcept {
  if (probed_) return Status::Busy;
  if (!valid()) return Status::InvalidArgument;
  requests_.forget_content();
  transport_.set_calls(this);
  const Status status = initialise();
  probed_ = status == Status::Ok;
  if (!probed_) transport_.set_calls(nullptr);
  reports_.store(probed_ && has(kBalloonPageReporting), std::memory_order_relaxed);
  retry_ = not_before_ = {};
  return status;
}

// Bounded wait of 2.4.2: a device that does not confirm the reset counts as gone.
bool BalloonDriver::reset_device() noexcept {
  transport_.set_status(0);
  detail::PollTimeout patience(context_.port());
  while (transport_.status() != 0) {
    if (!patience.wait()) return false;
  }
  return true;
}

// Follows the steps of 3.1.1 in order.
Status BalloonDriver::initialise() noexcept {
  context_.counts.probes.add();
  context_.set_broken(false);
  if (!reset_device()) return Status::Failed;
  transport_.set_status(kStatusAcknowledge);
  transport_.set_status(kStatusAcknowledge | kStatusDriver);
  Status status = negotiate();
  if (status == Status::Ok) status = set_up_queues();
  if (status == Status::Ok) {
    open();
    up_ = true;
    if ((transport_.status() & (kStatusDriverOk | kStatusNeedsReset)) == kStatusDriverOk) return Status::Ok;
    let_go();
    status = Status::Failed;
  }
  transport_.set_status(static_cast<std::uint8_t>(transport_.status() | kStatusFailed));
  return status;
}

Status BalloonDriver::negotiate() noexcept {
  offered_ = transport_.offered();
  if ((offered_ & kFeatureVersion1) == 0) return Status::InvalidArgument;
  features_ = detail::choose_features(offered_, config_.features, config_.poisons);
  transport_.accept(features_);
  constexpr std::uint8_t kSoFar = kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk;
  transport_.set_status(kSoFar);
  // 3.1.1 step 6: the status is read again, because the device may have rejected the features.
  return transport_.status() == kSoFar ? Status::Ok : Status::Failed;
}

DriverQueueConfig BalloonDriver::ring_config(BalloonQueue queue) const noexcept {
  DriverQueueConfig ring = detail::DriverMemory::ring_config(config_, queue);
  ring.ring = {has(kFeatureRingPacked), has(kFeatureEventIdx), has(kFeatureIndirectDesc)};
  return ring;
}

Status BalloonDriver::set_up(detail::DriverRing& ring, BalloonQueue queue) noexcept {
  return ring.set_up(queue_number(offered_, queue), ring_config(queue),
                     memory_.ring[static_cast<std::size_t>(queue)]);
}

Status BalloonDriver::set_up_queues() noexcept {
  Status status = set_up(balloon_.inflate_ring(), BalloonQueue::Inflate);
  if (status == Status::Ok) status = set_up(balloon_.deflate_ring(), BalloonQueue::Deflate);
  if (status == Status::Ok && has(kBalloonStatsVq)) {
    status = set_up(statistics_.ring(), BalloonQueue::Stats);
    if (status == Status::Ok) status = statistics_.supply();
  }
  if (status == Status::Ok && has(kBalloonFreePageHint)) status = set_up(hints_.ring(), BalloonQueue::Hint);
  // 5.5.6.6.1: before DRIVER_OK.
  if (has(kBalloonPagePoison)) context_.write_config(kBalloonPoisonVal, config_.poison);
  if (status == Status::Ok && has(kBalloonPageReporting)) status = set_up_reporting();
  return status == Status::Ok ? Status::Ok : Status::Failed;
}

Status BalloonDriver::set_up_reporting() noexcept {
  return requests_.set_up(queue_number(offered_, BalloonQueue::Reporting),
                          ring_config(BalloonQueue::Reporting),
                          memory_.ring[static_cast<std::size_t>(BalloonQueue::Reporting)], offered_content());
}

// Draft bit 6: reported pages hold 0 or the poison value (R12).
Content BalloonDriver::offered_content() const noexcept {
  if (!has(kBalloonInitReported)) return Content::Unknown;
  return has(kBalloonPagePoison) && config_.poison != 0 ? Content::Poison : Content::Zero;
}

// Sets DRIVER_OK and takes the steps that must follow (5.5.5).
void BalloonDriver::open() noexcept {
  transport_.set_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  statistics_.open();
  balloon_.open(has(kBalloonMustTellHost));
  requests_.open();
  owed_before_ = false;
  target_ = 0;
  hint_command_ = kHintStop;
  // work() makes the first check and the first read of the fields.
  config_changed();
}

// DRV-1: afterwards the device holds nothing of the driver, and the zone owns every frame.
void BalloonDriver::let_go() noexcept {
  requests_.close();
  reset_device();
  context_.counts.resets.add();
  requests_.abandon();
  balloon_.abandon();
  hints_.abandon();
  statistics_.ring().take_down();
  frames_.drain();
  up_ = false;
}

void BalloonDriver::remove() noexcept {
  if (!probed_) return;
  transport_.set_calls(nullptr);
  // 5.5.6.1: the device is told as long as the device responds.
  if (up_ && !context_.broken()) balloon_.deflate(balloon_.size());
  if (up_) let_go();
  probed_ = false;
  reports_.store(false, std::memory_order_relaxed);
}

Status BalloonDriver::recover() noexcept {
  if (!probed_) return Status::NotFound;
  if (up_) let_go();
  const std::uint64_t acknowledged = context_.counts.acknowledged.get();
  const bool worked = retry_.raw == 0 || acknowledged != acknowledged_before_;
  acknowledged_before_ = acknowledged;
  const Nanoseconds doubled{retry_.raw * 2};
  retry_ = worked ? kFirstRetry : doubled < kLastRetry ? doubled : kLastRetry;
  const Status status = initialise();
  not_before_ = context_.port().now() + retry_;
  if (status == Status::Ok) {
    reports_.store(has(kBalloonPageReporting), std::memory_order_relaxed);
  } else {
    context_.set_broken(true);
    context_.port().wake_at(not_before_);
  }
  return status;
}

// The pages that the device holds are taken back at once, so that no thread waits for the device. The device
// is initialised again when the retry interval has passed.
Nanoseconds BalloonDriver::revive() noexcept {
  if (up_) let_go();
  if (context_.port().now() < not_before_) return not_before_;
  return recover() == Status::Ok ? context_.port().now() : not_before_;
}

Status BalloonDriver::reset_reporting_queue() noexcept {
  if (!up_ || !has(kFeatureRingReset | kBalloonPageReporting)) return Status::NotFound;
  if (context_.broken()) return Status::Failed;
  requests_.close();
  Status status = transport_.reset_queue(requests_.queue());
  if (status == Status::Ok) {
    requests_.abandon();
    status = set_up_reporting();
  }
  if (status != Status::Ok) {
    context_.give_up_on_device();
    return Status::Failed;
  }
  requests_.open();
  return Status::Ok;
}

}  // namespace fallow
