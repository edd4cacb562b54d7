#include "guest/workloads/fragment.h"

#include "guest/kernel/event.h"

namespace fallow::guest {

// Nine tenths: what is left is more than what isolation leaves alone.
bool Fragment::create(EarlyMemory& memory) noexcept {
  members_ = memory.take_array<Member>(context_.cpus);
  for (std::uint32_t cpu = 0; cpu < members_.size(); ++cpu) {
    const std::uint64_t share = context_.share(context_.memory.raw / 10 * 9, cpu);
    if (!members_[cpu].tenant.create(context_, memory, cpu, share)) return false;
  }
  return !members_.empty();
}

Workload::Step Fragment::step(std::uint32_t cpu, unsigned phase) noexcept {
  switch (phase) {
    case kFilling:
    case kRefilling:
      return fill(members_[cpu]);
    case kHalving:
      return halve(members_[cpu]);
    case kEmptying:
      return empty(members_[cpu].tenant);
    default:
      return Step::Done;
  }
}

unsigned Fragment::next(unsigned phase) noexcept {
  const bool reports = phase == kFirstReports || phase == kReports || phase == kLastReports;
  if (reports && !settling_.over()) return phase;
  if (phase == kReports) {
    const MemoryFigures figures = context_.zones.figures();
    Event("fragmented")
        .number("used_kib", bytes(figures.used).raw / 1024)
        .number("free_kib", bytes(figures.free).raw / 1024)
        .number("reported_kib", bytes(figures.reported).raw / 1024)
        .say(context_.machine);
  }
  return phase == kLastReports ? kOver : phase + 1;
}

Workload::Step Fragment::fill(Member& member) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (!member.tenant.live().full() && member.tenant.allocate()) continue;
    if (!member.tenant.live().full()) context_.findings.allocation_failed();
    member.undecided = member.tenant.live().size();
    return Step::Done;
  }
  return Step::More;
}

// From the last to the first: what takes the place of one that is freed was decided on before.
Workload::Step Fragment::halve(Member& member) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (member.undecided == 0) return Step::Done;
    --member.undecided;
    if (member.tenant.random().below(2) == 0) {
      member.tenant.release(member.undecided);
    } else {
      member.tenant.verify(member.undecided);
    }
  }
  return Step::More;
}

Workload::Step Fragment::empty(MemoryUser& tenant) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (tenant.live().empty()) return Step::Done;
    tenant.release(tenant.live().size() - 1);
  }
  return Step::More;
}

}  // namespace fallow::guest
