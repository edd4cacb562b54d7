#include "guest/workloads/fragment.h"

#include "guest/kernel/event.h"

namespace fallow::guest {

// Fills nine tenths: the remainder exceeds the free memory that the reporter leaves unisolated.
bool Fragment::create(EarlyMemory& memory) noexcept {
  members_ = memory.take_array<Member>(context_.cpus);
  for (std::uint32_t cpu = 0; cpu < members_.size(); ++cpu) {
    const std::uint64_t share = context_.share(context_.memory.raw / 10 * 9, cpu);
    if (!members_[cpu].user.create(context_, memory, cpu, share)) return false;
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
      return empty(members_[cpu].user);
    default:
      return Step::Done;
  }
}

unsigned Fragment::next(unsigned phase) noexcept {
  const bool reports = phase == kFirstReports || phase == kReports || phase == kLastReports;
  if (reports && !wait_until_reported_.done()) return phase;
  if (phase == kReports) {
    const MemoryFigures figures = context_.zones.figures();
    Event("fragmented")
        .number("used_kib", bytes(figures.used).raw / 1024)
        .number("free_kib", bytes(figures.free).raw / 1024)
        .number("reported_kib", bytes(figures.reported).raw / 1024)
        .write_to(context_.machine);
  }
  return phase == kLastReports ? kOver : phase + 1;
}

Workload::Step Fragment::fill(Member& member) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (!member.user.live().full() && member.user.allocate()) continue;
    if (!member.user.live().full()) context_.errors.allocation_failed();
    member.undecided = member.user.live().size();
    return Step::Done;
  }
  return Step::More;
}

// Walks from last to first, so that the element that replaces a freed one has already been decided.
Workload::Step Fragment::halve(Member& member) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (member.undecided == 0) return Step::Done;
    --member.undecided;
    if (member.user.random().below(2) == 0) {
      member.user.release(member.undecided);
    } else {
      member.user.verify(member.undecided);
    }
  }
  return Step::More;
}

Workload::Step Fragment::empty(MemoryUser& user) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (user.live().empty()) return Step::Done;
    user.release(user.live().size() - 1);
  }
  return Step::More;
}

}  // namespace fallow::guest
