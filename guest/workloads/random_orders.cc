#include "guest/workloads/random_orders.h"

namespace fallow::guest {

bool RandomOrders::create(EarlyMemory& memory) noexcept {
  // Most frames are in large blocks. Small blocks that no longer fit the table stay free.
  constexpr std::uint64_t kFramesPerBlock = 8, kLeast = 64;
  users_ = memory.take_array<MemoryUser>(context_.cpus);
  for (std::uint32_t cpu = 0; cpu < users_.size(); ++cpu) {
    const std::uint64_t share = context_.share(context_.memory.raw, cpu);
    if (!users_[cpu].create(context_, memory, cpu, share / kFramesPerBlock + kLeast)) return false;
  }
  return !users_.empty();
}

Workload::Step RandomOrders::step(std::uint32_t cpu, unsigned phase) noexcept {
  if (phase == kTaking) return take(users_[cpu]);
  if (phase == kFreeing) return free(users_[cpu]);
  return Step::Done;
}

unsigned RandomOrders::next(unsigned phase) noexcept {
  const Nanoseconds now = context_.machine.now();
  switch (phase) {
    case kFirstReports:
      end_ = now + context_.options.duration;
      return wait_until_reported_.done() ? kTaking : phase;
    case kTaking:
      return kFreeing;
    case kFreeing:
      return now < end_ ? kTaking : kLastReports;
    default:
      return wait_until_reported_.done() ? kOver : phase;
  }
}

// Falls back to smaller orders if no block of the drawn order is free.
Workload::Step RandomOrders::take(MemoryUser& user) noexcept {
  Random& random = user.random();
  for (StepBudget budget(context_.machine);;) {
    auto order = static_cast<std::uint8_t>(random.below(10));
    const auto mobility = static_cast<Mobility>(random.below(kMobilities));
    while (!user.allocate({order}, mobility)) {
      if (order-- == 0) return Step::Done;
    }
    if (!budget.spend(frames(Order{order}))) return Step::More;
  }
}

Workload::Step RandomOrders::free(MemoryUser& user) noexcept {
  StepBudget budget(context_.machine);
  while (!user.live().empty()) {
    const std::size_t i = user.random().below(user.live().size());
    const PfnCount n = frames(user.live()[i].order);
    user.release(i);
    if (!budget.spend(n)) return Step::More;
  }
  return Step::Done;
}

}  // namespace fallow::guest
