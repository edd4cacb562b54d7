#include "guest/workloads/churn.h"

#include "guest/kernel/event.h"

namespace fallow::guest {

bool Churn::create(EarlyMemory& memory) noexcept {
  // A block of random order has 100 frames on average. If only small blocks are free, the table fills early.
  constexpr std::uint64_t kFramesPerBlock = 16, kLeast = 64;
  members_ = memory.take_array<Member>(context_.cpus);
  for (std::uint32_t cpu = 0; cpu < members_.size(); ++cpu) {
    Member& member = members_[cpu];
    member.share = {context_.share(context_.memory.raw, cpu)};
    if (!member.user.create(context_, memory, cpu, member.share.raw / kFramesPerBlock + kLeast)) return false;
  }
  return !members_.empty();
}

Workload::Step Churn::step(std::uint32_t cpu, unsigned phase) noexcept {
  switch (phase) {
    case kChurning:
      return churn(cpu);
    case kEmptying:
      return empty(members_[cpu].user);
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
      return wait_until_reported_.done() ? kChurning : phase;
    case kCollecting:
      write_event();
      return kLastReports;
    case kLastReports:
      return wait_until_reported_.done() ? kOver : phase;
    default:
      return phase + 1;
  }
}

// Returns how much of its share a CPU should hold now: a triangle wave over time.
PfnCount Churn::target(PfnCount share, Nanoseconds now) const noexcept {
  constexpr std::uint64_t kHalf = kPeriod.raw / 2, kFine = 1000;
  const std::uint64_t at = (now - begin_).raw % kPeriod.raw;
  const std::uint64_t height = (at < kHalf ? at : kPeriod.raw - at) / (kHalf / kFine);
  return {share.raw / 5 + share.raw * 3 / 5 * height / kFine};
}

Workload::Step Churn::churn(std::uint32_t cpu) noexcept {
  Member& member = members_[cpu];
  const Nanoseconds now = context_.machine.now();
  if (now >= begin_ + context_.options.duration) return Step::Done;
  const PfnCount goal = target(member.share, now);
  for (Live sent = member.mailbox.take(); sent.tag != 0; sent = member.mailbox.take()) member.user.give(sent);
  for (StepBudget budget(context_.machine); budget.spend(act(cpu, goal));) {
  }
  return Step::More;
}

// Allocates or frees one block, and verifies a held block one time in eight. Returns the frames touched.
PfnCount Churn::act(std::uint32_t cpu, PfnCount goal) noexcept {
  Member& member = members_[cpu];
  MemoryUser& user = member.user;
  Random& random = user.random();
  PfnCount touched{1};
  if (!user.live().empty() && random.below(8) == 0) {
    const std::size_t i = random.below(user.live().size());
    user.verify(i);
    touched += frames(user.live()[i].order);
    member.verified.fetch_add(1, std::memory_order_relaxed);
  }
  // One time in four, move away from the goal.
  const bool grow = (user.held() < goal) != (random.below(4) == 0);
  if (!grow) return touched + let_go(cpu);
  const Order order{static_cast<std::uint8_t>(random.below(10))};
  const auto mobility = static_cast<Mobility>(random.below(kMobilities));
  return user.allocate(order, mobility) ? touched + frames(order) : touched;
}

PfnCount Churn::let_go(std::uint32_t cpu) noexcept {
  Member& member = members_[cpu];
  MemoryUser& user = member.user;
  if (user.live().empty()) return {};
  const std::size_t i = user.random().below(user.live().size());
  const Live live = user.hand_over(i);
  const std::uint32_t neighbour = (cpu + 1) % context_.cpus;
  if (neighbour != cpu && user.random().below(16) == 0 && members_[neighbour].mailbox.put(live)) {
    member.sent.fetch_add(1, std::memory_order_relaxed);
  } else {
    user.give(live);
  }
  return frames(live.order);
}

Workload::Step Churn::empty(MemoryUser& user) noexcept {
  StepBudget budget(context_.machine);
  while (!user.live().empty()) {
    const std::size_t last = user.live().size() - 1;
    const PfnCount n = frames(user.live()[last].order);
    user.release(last);
    if (!budget.spend(n)) return Step::More;
  }
  return Step::Done;
}

// No CPU sends in this phase.
Workload::Step Churn::collect(Member& member) noexcept {
  const Live sent = member.mailbox.take();
  if (sent.tag == 0) return Step::Done;
  member.user.give(sent);
  return Step::More;
}

void Churn::write_event() noexcept {
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
      .write_to(context_.machine);
}

}  // namespace fallow::guest
