#include "guest/workloads/trace_replay.h"

#include <bit>

#include "guest/kernel/event.h"

namespace fallow::guest {

bool TraceReplay::create(EarlyMemory& memory) noexcept {
  const TraceModuleReader reader(context_.module);
  if (reader.error() != nullptr) {
    record_error(reader, reader.error());
    return false;
  }
  members_ = memory.take_array<Member>(context_.cpus);
  for (std::uint32_t cpu = 0; cpu < members_.size(); ++cpu) {
    Member& member = members_[cpu];
    member.reader = reader;
    const std::uint64_t slots = context_.share(reader.slots(), cpu);
    if (!member.user.create(context_, memory, cpu, 1)) return false;
    member.slots = memory.take_array<std::uint64_t>(slots);
    if (slots != 0 && member.slots.empty()) return false;
  }
  return !members_.empty();
}

void TraceReplay::record_error(const TraceModuleReader& reader, StringRef why) noexcept {
  Sentence said("boot module: ");
  if (reader.position() != 0) said.put("event ").number(reader.position()).put(": ");
  context_.errors.record_error(said.put(why).text());
}

Workload::Step TraceReplay::step(std::uint32_t cpu, unsigned phase) noexcept {
  if (phase == kReplaying) return replay(cpu);
  if (phase == kEmptying) return empty(members_[cpu]);
  return Step::Done;
}

unsigned TraceReplay::next(unsigned phase) noexcept {
  switch (phase) {
    case kFirstReports:
      begin_ = context_.machine.now();
      return wait_until_reported_.done() ? kReplaying : phase;
    case kReplaying:
      Event("replayed").number("events", members_[0].reader.position()).write_to(context_.machine);
      return kEmptying;
    case kEmptying:
      return kLastReports;
    default:
      return wait_until_reported_.done() ? kOver : phase;
  }
}

// Computes in milliseconds, so that the product fits 64 bits: less than 2^32 times the milliseconds of a day.
Nanoseconds TraceReplay::due(const TraceModuleReader& reader, std::uint64_t time_us) const noexcept {
  const std::uint64_t all = reader.duration_us(), at = time_us < all ? time_us : all;
  const auto width = static_cast<unsigned>(std::bit_width(all));
  const unsigned shift = width > 32 ? width - 32 : 0;
  if (all == 0) return begin_;
  return begin_ + milliseconds((at >> shift) * (context_.options.duration.raw / 1'000'000) / (all >> shift));
}

Workload::Step TraceReplay::replay(std::uint32_t cpu) noexcept {
  Member& member = members_[cpu];
  for (StepBudget budget(context_.machine);;) {
    if (!member.pending && !member.reader.next(&member.event)) {
      if (member.reader.error() != nullptr) record_error(member.reader, member.reader.error());
      return Step::Done;
    }
    member.pending = true;
    if (due(member.reader, member.event.time_us) > context_.machine.now()) return Step::Later;
    member.pending = false;
    if (!act(cpu)) return Step::Done;
    if (!budget.spend(frames(member.event.order))) return Step::More;
  }
}

// Returns false if the trace is inconsistent and the replay must stop.
bool TraceReplay::act(std::uint32_t cpu) noexcept {
  Member& member = members_[cpu];
  const TraceModuleEvent& event = member.event;
  if (event.slot % context_.cpus != cpu) return true;
  std::uint64_t& slot = member.slots[event.slot / context_.cpus];
  if (event.free == (slot == 0) && !(event.free && member.failed)) {
    record_error(member.reader, event.free ? "a free of an empty slot" : "an allocation in an occupied slot");
    return false;
  }
  if (!event.free) {
    const Live live = member.user.take(event.order, event.mobility);
    slot = live.tag == 0 ? 0 : live.packed();
    if (live.tag != 0) return true;
    member.failed = true;
    context_.errors.allocation_failed();
  } else if (slot != 0) {
    member.user.give(Live::of(slot));
    slot = 0;
  }
  return true;
}

// Frees what the trace leaves allocated.
Workload::Step TraceReplay::empty(Member& member) noexcept {
  for (StepBudget budget(context_.machine); member.emptied < member.slots.size(); ++member.emptied) {
    std::uint64_t& slot = member.slots[member.emptied];
    if (slot == 0) continue;
    const Live live = Live::of(slot);
    member.user.give(live);
    slot = 0;
    if (!budget.spend(frames(live.order))) return Step::More;
  }
  return Step::Done;
}

}  // namespace fallow::guest
