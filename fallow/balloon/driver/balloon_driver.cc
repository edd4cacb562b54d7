#include "fallow/balloon/driver/balloon_driver.h"

namespace fallow {
namespace {

constexpr Nanoseconds earlier(Nanoseconds a, Nanoseconds b) { return a < b ? a : b; }

}  // namespace

BalloonDriver::BalloonDriver(Port& port, Transport& transport, Zone& zone, LocalCache& cache,
                             const BalloonDriverConfig& config, SharedMemory shared,
                             std::span<std::byte> own) noexcept
    : context_(port, transport),
      transport_(transport),
      config_(config),
      memory_(config, zone, shared, own),
      frames_(zone, cache, config.poisons ? config.fill : detail::FrameFill{}),
      requests_(context_, memory_),
      balloon_(context_, frames_, memory_),
      statistics_(context_, zone, memory_),
      hints_(context_, frames_, requests_, memory_) {}

BalloonDriver::~BalloonDriver() { remove(); }

Status BalloonDriver::report(Scatterlist list, std::uint32_t token) noexcept {
  const Status status = requests_.report(list, token);
  // acq_rel: MO-18, the request is in flight before watched_ is set.
  if (status == Status::Pending && !watched_.exchange(true, std::memory_order_acq_rel))
    context_.port().wake_at(context_.port().now() + kWatch);
  return status;
}

void BalloonDriver::queue_used(std::uint16_t queue) noexcept {
  if (queue == requests_.queue()) {
    requests_.collect();
  } else {
    context_.wake();
  }
}

void BalloonDriver::config_changed() noexcept {
  config_changed_.store(true, std::memory_order_relaxed);  // wake() orders the store
  context_.wake();
}

Nanoseconds BalloonDriver::work() noexcept {
  if (!probed_) return kNever;
  look_at_device();
  if (context_.broken()) return revive();
  Nanoseconds next = statistics_.work();
  next = earlier(next, hints_.work(hint_command_));
  next = earlier(next, balloon_.work({target_}));
  next = earlier(next, watch());
  return context_.broken() ? revive() : next;
}

// Gives up a device that asked for a reset, has disappeared or is silent. From a working device, reads the
// fields that control the driver.
void BalloonDriver::look_at_device() noexcept {
  if (!up_) return;
  const bool changed = config_changed_.exchange(false, std::memory_order_relaxed);
  const Nanoseconds now = context_.port().now();
  if (!changed && now < watch_at_) return;
  watch_at_ = now + kWatch;
  constexpr std::uint8_t kLook = kStatusDriverOk | kStatusNeedsReset | kStatusFailed;
  if ((transport_.status() & kLook) != kStatusDriverOk || silent(now)) {
    context_.set_broken(true);
  } else if (changed) {
    target_ = context_.read_config(kBalloonNumPages);
    if (has(kBalloonFreePageHint)) hint_command_ = context_.read_config(kBalloonHintCmdId);
  }
}

// Returns whether the device owed a chain at each check for kSilence and returned none.
bool BalloonDriver::silent(Nanoseconds now) noexcept {
  const std::uint64_t returned = context_.counts.acknowledged.get();
  const bool owes = owed();
  if (!owes || !owed_before_ || returned != progress_) progress_at_ = now;
  owed_before_ = owes;
  progress_ = returned;
  return now >= progress_at_ + kSilence;
}

bool BalloonDriver::owed() noexcept {
  return requests_.in_flight() != 0 || balloon_.waiting() || hints_.waiting();
}

// While the device owes a chain, the driver checks from time to time in case the device disappeared silently.
// acq_rel: MO-18, watched_ is cleared before the driver checks for requests in flight.
Nanoseconds BalloonDriver::watch() noexcept {
  watched_.exchange(false, std::memory_order_acq_rel);
  if (!owed()) return kNever;
  watched_.exchange(true, std::memory_order_acq_rel);
  return watch_at_;
}

PfnCount BalloonDriver::deflate_on_oom(PfnCount wanted) noexcept {
  PfnCount freed = hints_.release(wanted);
  if (freed >= wanted || !up_ || context_.broken() || !has(kBalloonDeflateOnOom)) return freed;
  const PfnCount deflated = balloon_.deflate(wanted - freed);
  if (deflated.raw != 0) balloon_.rest(detail::BalloonPages::kAfterOom);
  return freed + deflated;
}

BalloonDriverStats BalloonDriver::stats() const noexcept {
  const detail::DriverCounts& counts = context_.counts;
  return {.probes = counts.probes.get(),
          .resets = counts.resets.get(),
          .requests = counts.requests.get(),
          .descriptors = counts.descriptors.get(),
          .kicks = counts.kicks.get(),
          .ring_faults = counts.ring_faults.get(),
          .wrong_lengths = counts.wrong_lengths.get(),
          .abandoned = counts.abandoned.get(),
          .inflated = {counts.inflated.get()}};
}

}  // namespace fallow
