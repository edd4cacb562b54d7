// Generates the threads of a random program.
#include <algorithm>

#include "tests/explore/programs/generator.h"

namespace fallow::explore {

unsigned Generator::some_order() { return orders_[below(3)]; }

Mobility Generator::some_mobility() {
  return one_mobility_ ? Mobility::Movable : static_cast<Mobility>(below(kMobilities));
}

// Usually a cache that the thread owns; with another cache the operation is a no-op, unless the cache was
// passed on.
unsigned Generator::some_cache(const Program& p, unsigned thread) {
  std::vector<unsigned> own;
  for (unsigned c = 0; c < p.owners.size(); ++c) {
    if (p.owners[c] == thread) own.push_back(c);
  }
  if (own.empty() || (passes_caches_ && one_in(4))) return static_cast<unsigned>(below(p.zone.caches));
  return own[below(own.size())];
}

Operation Generator::some_work() {
  const unsigned rounds = pick({1U, 1U, 2U, 3U});
  return work(rounds, pick({0U, 0U, 10U, 100U, 200U, 2000U, 10'000U}));
}

Operation Generator::some_report() {
  const unsigned most = pick({1U, 4U, 32U, 64U, 512U, 1024U, 4096U});
  const unsigned areas = one_in(4) ? 1U << below(11) : 0;
  const bool reported = !one_in(4), join = !one_in(4);
  return report(most, reported, pick({1U, 1U, 2U, 8U}), areas, join);
}

Operation Generator::some_allocation(const Program& p, unsigned thread) {
  const unsigned cache = some_cache(p, thread), order = some_order();
  return allocate(cache, order, some_mobility());
}

Operation Generator::some_misuse(const Program& p, unsigned cache) {
  if (one_in(2)) return free_again();
  const std::uint64_t beyond = one_in(8) ? 64 : 0;
  const unsigned frame = static_cast<unsigned>(below(p.zone.frames.raw + beyond));
  return free_unowned(cache, frame, one_in(3) ? some_order() : 0);
}

Operation Generator::some_registering() {
  const unsigned policy = static_cast<unsigned>(below(2));
  return register_device(policy, !one_in(4));
}

Operation Generator::frame_operation(const Program& p, unsigned thread) {
  const unsigned cache = some_cache(p, thread), which = static_cast<unsigned>(below(3));
  if (misuse_ && one_in(4)) return some_misuse(p, cache);
  if (passes_caches_ && one_in(5))
    return one_in(2) ? pass_cache(cache) : take_cache(static_cast<unsigned>(below(p.zone.caches)));
  switch (below(16)) {
    case 0:
      return drain(cache);
    case 1:
      return retire(cache);
    case 2:
      return one_in(2) ? request_drain() : drain(cache);
    case 3:
      return free_part(cache, which, static_cast<unsigned>(below(11)));
    case 4:
      return give(static_cast<unsigned>(below(2)), which);
    case 5:
      return take(static_cast<unsigned>(below(2)));
    case 6:
    case 7:
    case 8:
    case 9:
      return free(cache, which);
    default:
      return some_allocation(p, thread);
  }
}

Operation Generator::control_operation(const Program& p) {
  if (p.policies.empty()) return one_in(4) ? forget() : some_report();
  switch (below(8)) {
    case 0:
      return some_registering();
    case 1:
      return unregister_device();
    case 2:
      return forget();
    case 3:
      return call_worker();
    case 4:
      return complete(pick({Status::Ok, Status::Failed, Status::ContentUnknown}));
    default:
      return some_work();
  }
}

void Generator::choose_thread(Program& p, unsigned thread) {
  // Threads without a cache, and the last thread, perform more control operations.
  const bool owns = std::find(p.owners.begin(), p.owners.end(), thread) != p.owners.end();
  const std::uint64_t control = !owns                            ? 12
                                : thread + 1 == p.threads.size() ? pick<std::uint64_t>({1, 4, 10})
                                                                 : 1;
  for (std::uint64_t n = 1 + below(one_in(2) ? 3 : 6); n > 0; --n)
    p.threads[thread].push_back(below(16) < control ? control_operation(p) : frame_operation(p, thread));
}

}  // namespace fallow::explore
