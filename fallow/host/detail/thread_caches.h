// Assigns the local caches of a zone to the threads that use the zone.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"

namespace fallow::detail {

// A thread gets a cache of its own at its first use, and the exit of the thread retires the cache and returns
// it. The last cache of the zone serves, under a lock, the threads for which none is left. Any thread may
// call any function, except the destructor.
class ThreadCaches {
 public:
  // The zone has at least two caches, and outlives this object.
  explicit ThreadCaches(Zone& zone);
  // Threads that have a cache may still run, and may exit later. They must not use this object meanwhile.
  ~ThreadCaches();
  ThreadCaches(const ThreadCaches&) = delete;
  ThreadCaches& operator=(const ThreadCaches&) = delete;

  // The calling thread's own cache; null if none is left. Costs one comparison if the thread used this object
  // last, and a lock otherwise.
  LocalCache* own() noexcept { return last_.id == id_ ? last_.cache : find(); }

  // Calls `use` with a cache that no other thread uses meanwhile, and returns its result.
  template <class Use>
  auto with_cache(Use use) noexcept {
    if (LocalCache* const mine = own(); mine != nullptr) return use(*mine);
    const std::lock_guard held(state_->mutex);
    return use(state_->zone->cache(state_->zone->cache_count() - 1));
  }

 private:
  // Outlives both this object and the threads that have a cache.
  struct State {
    std::mutex mutex;
    Zone* zone = nullptr;  // null once the object is gone
    std::vector<bool> taken;
  };
  // The cache that the calling thread used last. Trivial, so that it is valid until the thread has ended.
  struct Last {
    std::uint64_t id = 0;  // never that of another object, even at the same address
    LocalCache* cache = nullptr;
  };
  class OfThread;

  LocalCache* find() noexcept;
  static OfThread* of_thread() noexcept;

  static thread_local constinit Last last_;

  const std::uint64_t id_;
  const std::shared_ptr<State> state_;
};

}  // namespace fallow::detail
