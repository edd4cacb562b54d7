#include "guest/workloads/churn.h"

#include "guest/kernel/event.h"

namespace fallow::guest {

bool Churn::create(EarlyMemory& memory) noexcept {
  // Blocks of random orders have 100 frames; when only small ones are to be had, the table is soon full.
  constexpr std::uint64_t kFramesPerBlock = 16, kLeast = 64;
  members_ = memory.take_array<Member>(context_.cpus);
  for (std::uint32_t cpu = 0; cpu < members_.size(); ++cpu) {
    Member& member = members_[cpu];
    member.share = {context_.share(context_.memory.raw, cpu)};
    if (!member.tenant.create(context_, memory, cpu, member.share.raw / kFramesPerBlock + kLeast))
      return false;
  }
  return !members_.empty();
}

Workload::Step Churn::step(std::uint32_t cpu, unsigned phase) noexcept {
  switch (phase) {
    case kChurning:
      return churn(cpu);
    case kEmptying:
      return empty(members_[cpu].tenant);
    case kCollecting:
      return collect(members_[cpu]);
    default:
      return Step::Done;
  }
}

unsigned Churn::next(unsigned phase) noexcept {
  switch (phase) {
    case kFirstReports:
      begin_ = context_.machine.now();
      return settling_.over() ? kChurning : phase;
    case kCollecting:
      say();
      return kLastReports;
    case kLastReports:
      return settling_.over() ? kOver : phase;
    default:
      return phase + 1;
  }
}

// How much of its share a CPU should have: a triangle over time.
PfnCount Churn::target(PfnCount share, Nanoseconds now) const noexcept {
  constexpr std::uint64_t kHalf = kBreath.raw / 2, kFine = 1000;
  const std::uint64_t at = (now - begin_).raw % kBreath.raw;
  const std::uint64_t height = (at < kHalf ? at : kBreath.raw - at) / (kHalf / kFine);
  return {share.raw / 5 + share.raw * 3 / 5 * height / kFine};
}

Workload::Step Churn::churn(std::uint32_t cpu) noexcept {
  Member& member = members_[cpu];
  const Nanoseconds now = context_.machine.now();
  if (now >= begin_ + context_.options.duration) return Step::Done;
  const PfnCount goal = target(member.share, now);
  for (Live sent = member.mailbox.take(); sent.tag != 0; sent = member.mailbox.take())
    member.tenant.give(sent);
  for (StepBudget budget(context_.machine); budget.spend(act(cpu, goal));) {
  }
  return Step::More;
}

// One block more or less, and now and then a look at one that stays. Returns how many frames were touched.
PfnCount Churn::act(std::uint32_t cpu, PfnCount goal) noexcept {
  Member& member = members_[cpu];
  MemoryUser& tenant = member.tenant;
  Random& random = tenant.random();
  PfnCount touched{1};
  if (!tenant.live().empty() && random.below(8) == 0) {
    const std::size_t i = random.below(tenant.live().size());
    tenant.verify(i);
    touched += frames(tenant.live()[i].order);
    member.verified.fetch_add(1, std::memory_order_relaxed);
  }
  // Against the tide one time in four.
  const bool grow = (tenant.held() < goal) != (random.below(4) == 0);
  if (!grow) return touched + let_go(cpu);
  const Order order{static_cast<std::uint8_t>(random.below(10))};
  const auto mobility = static_cast<Mobility>(random.below(kMobilities));
  return tenant.allocate(order, mobility) ? touched + frames(order) : touched;
}

PfnCount Churn::let_go(std::uint32_t cpu) noexcept {
  Member& member = members_[cpu];
  MemoryUser& tenant = member.tenant;
  if (tenant.live().empty()) return {};
  const std::size_t i = tenant.random().below(tenant.live().size());
  const Live live = tenant.hand_over(i);
  const std::uint32_t neighbour = (cpu + 1) % context_.cpus;
  if (neighbour != cpu && tenant.random().below(16) == 0 && members_[neighbour].mailbox.put(live)) {
    member.sent.fetch_add(1, std::memory_order_relaxed);
  } else {
    tenant.give(live);
  }
  return frames(live.order);
}

Workload::Step Churn::empty(MemoryUser& tenant) noexcept {
  StepBudget budget(context_.machine);
  while (!tenant.live().empty()) {
    const std::size_t last = tenant.live().size() - 1;
    const PfnCount n = frames(tenant.live()[last].order);
    tenant.release(last);
    if (!budget.spend(n)) return Step::More;
  }
  return Step::Done;
}

// Nobody sends any more.
Workload::Step Churn::collect(Member& member) noexcept {
  const Live sent = member.mailbox.take();
  if (sent.tag == 0) return Step::Done;
  member.tenant.give(sent);
  return Step::More;
}

void Churn::say() noexcept {
  std::uint64_t sent = 0, verified = 0;
  for (const Member& member : members_) {
    sent += member.sent.load(std::memory_order_relaxed);
    verified += member.verified.load(std::memory_order_relaxed);
  }
  Event("churned")
      .number("allocations", context_.zones.allocations())
      .number("frees", context_.zones.frees())
      .number("verified", verified)
      .number("handed_over", sent)
      .number("refaults", context_.zones.figures().refaults.raw)
      .say(context_.machine);
}

}  // namespace fallow::guest
