// Performs a random program: holds what its threads own, and the slots through which they exchange objects.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/reporting/policy.h"
#include "tests/explore/programs/program.h"
#include "tests/explore/world/world.h"

namespace fallow::explore {

class Stage {
 public:
  // Lives in the arena; `program` outlives it.
  Stage(World& world, const Program& program);

  // An operation that is not legal at this point is a no-op.
  void perform(unsigned thread, const Operation& operation);
  // A thread of the program has ended.
  void end() { ended_.fetch_add(1, std::memory_order_release); }
  // The device's own thread: completes held requests until the program's threads have ended. Otherwise a
  // thread that waits for isolated frames could wait for ever.
  void complete_until_all_end();
  bool needs_completions() const;

 private:
  static constexpr unsigned kMaxHoldings = 32, kSlots = 3, kMaxCaches = 3, kMaxPolicies = 2, kNobody = ~0U;

  struct Holding {
    Pfn first;
    std::uint8_t order = 0;
  };
  struct Actor {
    Holding holdings[kMaxHoldings];
    unsigned count = 0;
    unsigned caches = 0;  // one bit for each cache that the thread may use
    Holding freed;        // the last one freed
    unsigned freed_through = kNobody;
  };
  enum class Fill : std::uint32_t { Empty, Filling, Full, Emptying };
  struct Slot {
    std::atomic<Fill> fill{Fill::Empty};
    Holding holding;
  };

  bool has(const Actor& actor, unsigned cache) const {
    return cache < kMaxCaches && ((actor.caches >> cache) & 1) != 0;
  }
  unsigned only_thread_with(Operation::Kind kind, Operation::Kind or_kind) const;
  void add_policy(const PolicyChoice& choice);
  void withhold(const Hole& hole);
  Holding remove(Actor& actor, unsigned which);
  void free_holding(Actor& actor, unsigned cache, const Holding& holding);
  void settle_held();
  void wait_a_little();

  void perform_allocate(Actor& actor, unsigned cache, unsigned order, Mobility mobility);
  void perform_free_part(Actor& actor, unsigned cache, unsigned which, unsigned order);
  void perform_give(Actor& actor, unsigned slot, unsigned which);
  void perform_take(Actor& actor, unsigned slot);
  void perform_pass_cache(Actor& actor, unsigned cache);
  void perform_take_cache(Actor& actor, unsigned cache);
  void perform_free_again(Actor& actor);
  void perform_free_unowned(unsigned cache, std::uint64_t frame, unsigned order);
  void perform_register(unsigned policy, bool promising);
  void perform_forget(unsigned thread);

  World& world_;
  const Program& program_;
  Policy* policies_[kMaxPolicies] = {};
  unsigned policy_count_ = 0;
  unsigned worker_ = kNobody, isolator_ = kNobody;  // the threads with these roles
  Actor actors_[Program::kMaxThreads];
  Slot slots_[kSlots];
  std::atomic<std::uint32_t> cache_left_[kMaxCaches];
  std::atomic<std::uint32_t> waits_{0};
  std::atomic<std::uint32_t> ended_{0};
  std::uint8_t* through_;  // by frame: the cache through which it was last freed, from 1
  unsigned completions_ = 0;
};

}  // namespace fallow::explore
