#include "tests/explore/world/stage.h"

#include <algorithm>
#include <memory>

#include "tests/explore/world/scenario.h"

namespace fallow::explore {
Stage::Stage(World& world, const Program& program) : world_(world), program_(program) {
  through_ = static_cast<std::uint8_t*>(arena().allocate(program.zone.frames.raw));
  for (const Hole& hole : program.withheld) withhold(hole);
  for (const PolicyChoice& choice : program.policies) add_policy(choice);
  if (policy_count_ == 0) world.report_from(program.order);
  ModelDevice& device = world.device();
  device.entries = program.device.capacity;
  device.depths = program.device.depth;
  for (const Status s : program.device.answers) device.answer({s});
  for (unsigned c = 0; c < program.zone.caches; ++c) {
    const std::size_t owner = c < program.owners.size() ? program.owners[c] : c;
    if (owner < program.threads.size()) actors_[owner].caches |= 1U << c;
  }
  worker_ = only_thread_with(Operation::Kind::Work, Operation::Kind::Work);
  isolator_ = only_thread_with(Operation::Kind::Report, Operation::Kind::Forget);
}

// Returns the first thread that performs such an operation; the operation is a no-op in other threads.
unsigned Stage::only_thread_with(Operation::Kind kind, Operation::Kind or_kind) const {
  for (const Operation::Kind wanted : {kind, or_kind}) {
    for (unsigned t = 0; t < program_.threads.size(); ++t) {
      const auto& operations = program_.threads[t];
      if (std::any_of(operations.begin(), operations.end(),
                      [=](const Operation& o) { return o.kind == wanted; }))
        return t;
    }
  }
  return kNobody;
}

void Stage::add_policy(const PolicyChoice& choice) {
  if (policy_count_ == kMaxPolicies) return;
  const Order order{static_cast<std::uint8_t>(choice.order)};
  Policy*& policy = policies_[policy_count_++];
  switch (choice.kind) {
    case PolicyKind::Hwm:
      policy = &state<HwmPolicy>(order, choice.parameter);
      break;
    case PolicyKind::Aged:
      policy = &state<AgedPolicy>(order, milliseconds(choice.parameter));
      break;
    case PolicyKind::Linux:
      policy = &state<LinuxPolicy>(order);
      break;
    case PolicyKind::None:
      --policy_count_;
      break;
  }
}

// Holes may overlap each other and the zone's end.
void Stage::withhold(const Hole& hole) {
  const std::uint64_t size = program_.zone.frames.raw;
  const std::uint64_t end =
      hole.first > size || hole.count > size - hole.first ? size : hole.first + hole.count;
  for (std::uint64_t i = hole.first; i < end;) {
    std::uint64_t n = 0;
    while (i + n < end && !world_.oracle().withheld(program_.zone.base + PfnCount{i + n})) ++n;
    if (n > 0) world_.withhold(program_.zone.base + PfnCount{i}, {n});
    i += n + 1;
  }
}

bool Stage::needs_completions() const {
  const auto& answers = program_.device.answers;
  return policy_count_ > 0 && std::find(answers.begin(), answers.end(), Status::Pending) != answers.end();
}

void Stage::complete_until_all_end() {
  while (ended_.load(std::memory_order_acquire) < program_.threads.size()) {
    const auto& list = program_.device.completions;
    if (world_.complete(completions_ < list.size() ? list[completions_] : Status::Ok)) {
      ++completions_;
    } else {
      world_.port().relax();
    }
  }
}

// Before the threads begin, no other thread completes the requests for which the caller would wait.
void Stage::settle_held() {
  while (!engine().concurrent() && world_.complete(Status::Ok)) {
  }
}

// The write shows that this thread does not wait for ever.
void Stage::wait_a_little() {
  if (!engine().concurrent()) return;
  world_.port().relax();
  waits_.fetch_add(1, std::memory_order_relaxed);
}

void Stage::perform(unsigned thread, const Operation& operation) {
  if (thread >= program_.threads.size()) return;
  using Kind = Operation::Kind;
  Actor& actor = actors_[thread];
  const auto [a, b, c, d, e] = operation.arguments;
  switch (operation.kind) {
    case Kind::Allocate:
      return perform_allocate(actor, a, b, static_cast<Mobility>(c));
    case Kind::Free:
      if (has(actor, a) && actor.count > 0) free_holding(actor, a, remove(actor, b));
      return;
    case Kind::FreePart:
      return perform_free_part(actor, a, b, c);
    case Kind::Give:
      return perform_give(actor, a, b);
    case Kind::Take:
      return perform_take(actor, a);
    case Kind::PassCache:
      return perform_pass_cache(actor, a);
    case Kind::TakeCache:
      return perform_take_cache(actor, a);
    case Kind::FreeAgain:
      return perform_free_again(actor);
    case Kind::FreeUnowned:
      if (has(actor, a)) perform_free_unowned(a, b, c);
      return;
    case Kind::Drain:
      if (has(actor, a)) world_.drain(a);
      return;
    case Kind::Retire:
      if (has(actor, a)) world_.retire(a);
      return;
    case Kind::RequestDrain:
      return world_.zone().request_drain();
    case Kind::Work:
      if (policy_count_ > 0 && (thread == worker_ || !engine().concurrent())) world_.work(a, milliseconds(b));
      return;
    case Kind::CallWorker:
      if (policy_count_ > 0) world_.call_worker();
      return;
    case Kind::Complete:
      if (policy_count_ > 0 && !world_.complete(static_cast<Status>(a))) wait_a_little();
      return;
    case Kind::Register:
      return perform_register(a, b != 0);
    case Kind::Unregister:
      settle_held();
      if (world_.registered()) world_.unregister_device();
      return;
    case Kind::Forget:
      return perform_forget(thread);
    case Kind::Report:
      if (policy_count_ > 0 || (thread != isolator_ && engine().concurrent())) return;
      world_.report({.order = Order{static_cast<std::uint8_t>(program_.order)},
                     .areas = d == 0 ? detail::Selection::kAnyArea : d,
                     .join = e != 0},
                    {a}, b != 0, c);
      return;
  }
}

void Stage::perform_register(unsigned policy, bool promising) {
  if (policy_count_ == 0 || !world_.can_register()) return;
  world_.content_after(promising ? program_.device.promise : Content::Unknown);
  const unsigned i = policy % policy_count_;
  const PolicyChoice& choice = program_.policies[i];
  const bool batches = choice.kind == PolicyKind::Linux;
  world_.register_device(*policies_[i],
                         {batches ? std::uint64_t{program_.device.capacity} << choice.order : 0});
}

// Without a reporter, reported frames must not be forgotten during a report.
void Stage::perform_forget(unsigned thread) {
  settle_held();
  if (policy_count_ > 0 || thread == isolator_ || !engine().concurrent()) world_.forget();
}

}  // namespace fallow::explore
