// The statistics queue of the balloon device (virtio 1.2, 5.5.6.3): a single buffer passes back and forth.
#include "fallow/balloon/detail/balloon_lists.h"
#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/device/detail/chain_reader.h"

namespace fallow {
namespace {

constexpr std::size_t kTagSize = sizeof(std::uint16_t);

}  // namespace

// A driver supplies at most one buffer. A second buffer is returned at once; otherwise it would never be
// returned.
bool BalloonDevice::serve_statistics(const Chain& chain) noexcept {
  if (held_.any) {
    refuse(Refusal::SecondBuffer);
    return true;
  }
  held_ = {true, chain.id, chain.slots};
  detail::ChainReader list(memory(), chain.buffers);
  const std::size_t length = list.read(list_.first(detail::kMaxStats * kStatSize));
  refuse(Refusal::NotReadable, list.writable());
  refuse(Refusal::ListLength, length % kStatSize != 0 || list.more());
  refuse(Refusal::OutsideMemory, list.outside());

  statistics_.value = {};
  statistics_.present = 0;
  ++statistics_.updates;
  for (std::size_t at = 0; at + kStatSize <= length; at += kStatSize) {
    const auto tag = detail::decode<std::uint16_t>(&list_[at]);
    if (tag < kStatTags) {
      statistics_.value[tag] = detail::decode<std::uint64_t>(&list_[at + kTagSize]);
      statistics_.present |= 1U << tag;
    } else {
      ++statistics_.unknown_tags;
    }
  }
  if (observer_ != nullptr) observer_->statistics();
  return false;
}

Status BalloonDevice::request_statistics() noexcept {
  if (!has(kBalloonStatsVq)) return Status::NotFound;
  if (!held_.any || !driver_ok()) return Status::Busy;
  const Held held = held_;
  held_ = {};
  give_back(number(BalloonQueue::Stats), held.id, held.slots, 0);
  return Status::Ok;
}

}  // namespace fallow
