// Free page hinting of the balloon device (virtio 1.2, 5.5.6.5): command ids arrive as readable elements,
// pages as writable ones.
#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/device/detail/chain_reader.h"

namespace fallow {
namespace {

constexpr std::uint32_t kFirstHintId = 2;  // lower ids are reserved
constexpr std::uint64_t kRest = kFrameSize - 1;

}  // namespace

void BalloonDevice::serve_hint(std::span<const detail::QueueBuffer> buffers) noexcept {
  std::size_t readable = 0;
  while (readable < buffers.size() && !buffers[readable].device_writable) ++readable;
  if (readable != 0) take_command(buffers.first(readable));
  if (readable != buffers.size()) take_hints(buffers.subspan(readable));
}

void BalloonDevice::take_command(std::span<const detail::QueueBuffer> buffers) noexcept {
  std::byte command[sizeof(std::uint32_t)];
  detail::ChainReader reader(memory(), buffers);
  const std::size_t length = reader.read(command);
  refuse(Refusal::OutsideMemory, reader.outside());
  if (length != sizeof command || reader.more()) {
    refuse(Refusal::ListLength, !reader.outside());
    return;
  }
  driver_hint_id_ = detail::decode<std::uint32_t>(command);
  if (driver_hint_id_ == kHintStop) {
    hinting_ = false;
  } else if (driver_hint_id_ == hint_command_ && hint_command_ >= kFirstHintId) {
    hinting_ = true;
  }
}

void BalloonDevice::take_hints(std::span<const detail::QueueBuffer> buffers) noexcept {
  if (driver_hint_id_ != hint_command_ || hint_command_ < kFirstHintId) {
    refuse(Refusal::HintId, buffers.size());
    return;
  }
  static_cast<void>(collect(buffers));
  std::uint64_t hinted = 0;
  for (const detail::GuestRange& run : ranges_.join()) {
    const std::uint64_t start = (run.start.raw + kRest) & ~kRest, end = run.end.raw & ~kRest;
    refuse(Refusal::PartOfPage, start != run.start.raw || end != run.end.raw);
    if (start >= end) continue;
    hinted += end - start;
    if (observer_ != nullptr) observer_->hinted({start}, {end - start});
  }
  counts_.hinted.fetch_add(hinted, std::memory_order_relaxed);
}

// An id is not reused before the driver has ended the round with that id.
Status BalloonDevice::start_hinting() noexcept {
  if (!has(kBalloonFreePageHint)) return Status::NotFound;
  if (hinting_) return Status::Busy;
  last_hint_id_ = last_hint_id_ + 1 < kFirstHintId ? kFirstHintId : last_hint_id_ + 1;
  set_hint_command(last_hint_id_);
  return Status::Ok;
}

void BalloonDevice::stop_hinting() noexcept { set_hint_command(kHintStop); }
void BalloonDevice::finish_hinting() noexcept { set_hint_command(kHintDone); }

void BalloonDevice::set_hint_command(std::uint32_t id) noexcept {
  if (!has(kBalloonFreePageHint) || id == hint_command_) return;
  hint_command_ = id;
  change_config();
}

}  // namespace fallow
