#include "guest/workloads/fill.h"

#include "guest/kernel/event.h"
#include "guest/protocol/event_names.h"

namespace fallow::guest {

bool Fill::create(EarlyMemory& memory) noexcept {
  const PfnCount memory_frames = context_.memory;
  frames_ = context_.options.fill.raw != 0 ? whole_frames(context_.options.fill)
                                           : PfnCount{memory_frames.raw / 5 * 3};
  if (frames_ >= memory_frames || frames_.raw < context_.cpus) {
    Sentence why;
    why.put("fill: ").number(bytes(frames_).raw >> 10).put(" KiB of ");
    why.number(bytes(memory_frames).raw >> 10).put(" KiB cannot be filled");
    context_.errors.record_error(why.text());
    return false;
  }
  members_ = memory.take_array<Member>(context_.cpus);
  for (std::uint32_t cpu = 0; cpu < members_.size(); ++cpu) {
    if (!members_[cpu].user.create(context_, memory, cpu, context_.share(frames_.raw, cpu))) return false;
  }
  return !members_.empty();
}

Workload::Step Fill::step(std::uint32_t cpu, unsigned phase) noexcept {
  Member& member = members_[cpu];
  if (phase == kFilling) return fill(member.user);
  if (phase == kHolding) return verify(member);
  if (phase == kFreeing) return free(member.user);
  return Step::Done;
}

Workload::Step Fill::fill(MemoryUser& user) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (user.live().full()) return Step::Done;
    if (user.allocate()) continue;
    context_.errors.allocation_failed();
    return Step::Done;
  }
  return Step::More;
}

// Verifies before the measured phase, which is to free memory without touching it, like an exiting program.
Workload::Step Fill::verify(Member& member) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (member.verified == member.user.live().size()) return Step::Done;
    member.user.verify(member.verified++);
  }
  return Step::More;
}

Workload::Step Fill::free(MemoryUser& user) noexcept {
  for (StepBudget budget(context_.machine); budget.spend({1});) {
    if (user.live().empty()) return Step::Done;
    user.drop_last();
  }
  return Step::More;
}

unsigned Fill::next(unsigned phase) noexcept {
  const Nanoseconds now = context_.machine.now();
  switch (phase) {
    case kFirstReports:
      if (!wait_until_reported_.done()) return phase;
      write_event(event_name::kFilling);
      return kFilling;
    case kFilling:
      write_event(event_name::kFilled);
      held_until_ = now + context_.options.hold;
      return kHolding;
    case kHolding:
      if (now < held_until_) return phase;
      Event(event_name::kFreeing).write_to(context_.machine);
      return kFreeing;
    case kFreeing:
      Event(event_name::kFreed).write_to(context_.machine);
      return kLastReports;
    default:
      return wait_until_reported_.done() ? kOver : phase;
  }
}

void Fill::write_event(StringRef name) noexcept {
  Event(name).number("mib", bytes(frames_).raw >> 20).write_to(context_.machine);
}

}  // namespace fallow::guest
