#include "guest/workloads/memory_user.h"

namespace fallow::guest {

bool MemoryUser::create(const Context& context, EarlyMemory& memory, std::uint32_t cpu,
                        std::size_t most) noexcept {
  const std::span<std::uint64_t> room = memory.take_array<std::uint64_t>(most);
  if (room.empty()) return false;
  context_ = &context;
  cpu_ = cpu;
  tag_ = cpu;
  random_ = Random(context.options.seed * 64 + cpu);
  live_ = LiveTable(room);
  return true;
}

Live MemoryUser::take(Order order, Mobility mobility) noexcept {
  const Allocation got = context_->zones.allocate(cpu_, order, mobility);
  if (!got.ok()) return {};
  tag_ = tag_ + context_->cpus;
  if (tag_ > Live::kMostTag) tag_ = 1 + cpu_;
  context_->stamps.write(got.pfn, frames(order), tag_);
  return {got.pfn, order, tag_};
}

bool MemoryUser::allocate(Order order, Mobility mobility) noexcept {
  if (live_.full()) return false;
  const Live live = take(order, mobility);
  if (live.tag == 0) return false;
  live_.push(live);
  held_ += frames(order);
  return true;
}

void MemoryUser::verify(std::size_t i) noexcept {
  const Live live = live_[i];
  context_->stamps.check(live.pfn, frames(live.order), live.tag);
}

Live MemoryUser::hand_over(std::size_t i) noexcept {
  const Live live = live_.take(i);
  held_ -= frames(live.order);
  return live;
}

void MemoryUser::give(Live live) noexcept {
  context_->stamps.check(live.pfn, frames(live.order), live.tag);
  free(live);
}

void MemoryUser::drop_last() noexcept { free(hand_over(live_.size() - 1)); }

// The zone counts a refused free as misuse.
void MemoryUser::free(Live live) noexcept {
  static_cast<void>(context_->zones.free(cpu_, live.pfn, live.order));
}

}  // namespace fallow::guest
