#include "guest/workloads/random_orders.h"

namespace fallow::guest {

bool RandomOrders::create(EarlyMemory& memory) noexcept {
  // Most blocks are large; when the last small ones do not fit the table, they stay free.
  constexpr std::uint64_t kFramesPerBlock = 8, kLeast = 64;
  tenants_ = memory.take_array<MemoryUser>(context_.cpus);
  for (std::uint32_t cpu = 0; cpu < tenants_.size(); ++cpu) {
    const std::uint64_t share = context_.share(context_.memory.raw, cpu);
    if (!tenants_[cpu].create(context_, memory, cpu, share / kFramesPerBlock + kLeast)) return false;
  }
  return !tenants_.empty();
}

Workload::Step RandomOrders::step(std::uint32_t cpu, unsigned phase) noexcept {
  if (phase == kTaking) return take(tenants_[cpu]);
  if (phase == kFreeing) return free(tenants_[cpu]);
  return Step::Done;
}

unsigned RandomOrders::next(unsigned phase) noexcept {
  const Nanoseconds now = context_.machine.now();
  switch (phase) {
    case kFirstReports:
      end_ = now + context_.options.duration;
      return settling_.over() ? kTaking : phase;
    case kTaking:
      return kFreeing;
    case kFreeing:
      return now < end_ ? kTaking : kLastReports;
    default:
      return settling_.over() ? kOver : phase;
  }
}

// Where there is no block of an order, a smaller one is taken.
Workload::Step RandomOrders::take(MemoryUser& tenant) noexcept {
  Random& random = tenant.random();
  for (StepBudget budget(context_.machine);;) {
    auto order = static_cast<std::uint8_t>(random.below(10));
    const auto mobility = static_cast<Mobility>(random.below(kMobilities));
    while (!tenant.allocate({order}, mobility)) {
      if (order-- == 0) return Step::Done;
    }
    if (!budget.spend(frames(Order{order}))) return Step::More;
  }
}

Workload::Step RandomOrders::free(MemoryUser& tenant) noexcept {
  StepBudget budget(context_.machine);
  while (!tenant.live().empty()) {
    const std::size_t i = tenant.random().below(tenant.live().size());
    const PfnCount n = frames(tenant.live()[i].order);
    tenant.release(i);
    if (!budget.spend(n)) return Step::More;
  }
  return Step::Done;
}

}  // namespace fallow::guest
