#include "fallow/balloon/driver/detail/hint_round.h"

#include "fallow/balloon/wire.h"
#include "fallow/base/detail/little_endian.h"
#include "fallow/zone/detail/block_entry.h"

namespace fallow::detail {

Nanoseconds HintRound::work(std::uint32_t command) noexcept {
  if (!ring_.up()) return kNever;
  Used used;
  while (ring_.take(used) == Taken::Used) {
  }
  if (context_.broken()) return kNever;
  if (command == kHintDone && kept_blocks_ != 0) release({kAllFrames});
  if (phase_ == Phase::Hinting && command != round_) phase_ = Phase::Stopping;
  if (phase_ == Phase::Stopping) return stop();
  if (phase_ == Phase::Hinting) return hint();
  // The driver sends each id once (5.5.6.5.1).
  return command > kHintDone && command != round_ ? begin(command) : kNever;
}

bool HintRound::send_id(const SharedBuffer& buffer, std::uint32_t id) noexcept {
  reinterpret_cast<Le32*>(buffer.memory)->store(id);
  return ring_.send({buffer.address, sizeof(Le32), false}, 0) == Status::Ok;
}

// The buffers of the last round must be returned first, because the device may still be reading their ids.
Nanoseconds HintRound::begin(std::uint32_t command) noexcept {
  if (ring_.in_flight() != 0) return kNever;
  if (!send_id(id_, command)) return kNever;
  round_ = command;
  phase_ = Phase::Hinting;
  return context_.port().now();
}

// No report runs meanwhile. An allocation that finds only blocks held by the device waits for the device, and
// this thread frees the blocks of a device that does not answer.
Nanoseconds HintRound::hint() noexcept {
  const Nanoseconds now = context_.port().now();
  if (!reports_.pause()) return now + milliseconds(1);
  bool left = true, room = true;
  for (unsigned i = 0; i < kBlocksAtOnce && left && room; ++i) room = hint_block(left);
  reports_.resume();
  if (!left) phase_ = Phase::Stopping;
  // The ring is full; continue when the device returns a chain.
  return room ? now : kNever;
}

// Returns false if the ring has no room. Sets `left` to false when no block is available.
bool HintRound::hint_block(bool& left) noexcept {
  for (const Order order : {kMaxOrder, kBlockOrder}) {
    if (frames_.spare() < frames(order)) continue;
    const Allocation a = frames_.take(order);
    if (!a.ok()) continue;
    const auto length = static_cast<std::uint32_t>(bytes(frames(order)).raw);
    if (ring_.send({address_of(a.pfn), length, true}, 0) != Status::Ok) {
      frames_.give_untouched(a.pfn, order);
      return false;
    }
    const std::uint64_t first = frames_.zone().tables().index_of(a.pfn) / kBlockFrames;
    const std::uint64_t count = frames(order).raw / kBlockFrames;
    for (std::uint64_t i = 0; i < count; ++i) kept_.insert(first + i);
    kept_blocks_ += count;
    return true;
  }
  left = false;
  return true;
}

// Every round that was begun ends with this stop id (5.5.6.5.1).
Nanoseconds HintRound::stop() noexcept {
  if (!send_id(stop_, kHintStop)) return kNever;  // the ring is full
  phase_ = Phase::Idle;
  return context_.port().now();
}

PfnCount HintRound::release(PfnCount wanted) noexcept {
  PfnCount freed;
  for (std::uint64_t b = kept_.find(0); b != FrameBitmap::kNone && freed < wanted; b = kept_.find(b)) {
    kept_.remove(b);
    --kept_blocks_;
    frames_.give(frames_.zone().tables().pfn_of(b * kBlockFrames), kBlockOrder);
    freed += PfnCount{kBlockFrames};
  }
  if (freed.raw != 0) frames_.drain();
  if (phase_ == Phase::Hinting && freed.raw != 0) phase_ = Phase::Stopping;
  return freed;
}

void HintRound::abandon() noexcept {
  phase_ = Phase::Idle;
  release({kAllFrames});
  round_ = kHintStop;
  ring_.take_down();
}

}  // namespace fallow::detail
