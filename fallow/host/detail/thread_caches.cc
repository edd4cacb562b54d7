#include "fallow/host/detail/thread_caches.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

namespace fallow::detail {
namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Whether the thread's list of caches is destroyed already. Trivial, so that it is valid after that list.
thread_local constinit bool exited = false;

}  // namespace

thread_local constinit ThreadCaches::Last ThreadCaches::last_;

// The caches that a thread has. Its destructor runs when the thread exits.
class ThreadCaches::OfThread {
 public:
  OfThread() = default;
  OfThread(const OfThread&) = delete;
  OfThread& operator=(const OfThread&) = delete;
  ~OfThread() {
    exited = true;
    last_ = {};
    for (const Entry& entry : entries_) give_back(entry);
  }

  LocalCache* find(std::uint64_t id) const {
    const auto found = std::ranges::find(entries_, id, &Entry::id);
    return found == entries_.end() ? nullptr : found->cache;
  }

  // Takes the lowest number that is free. Null if there is none.
  LocalCache* take(std::uint64_t id, const std::shared_ptr<State>& state) {
    // The entries of objects that are gone would otherwise gather in a thread that lives long.
    std::erase_if(entries_, [](const Entry& entry) { return entry.state.expired(); });
    entries_.reserve(entries_.size() + 1);
    const std::lock_guard held(state->mutex);
    const auto free = std::ranges::find(state->taken, false);
    if (free == state->taken.end()) return nullptr;
    const auto number = static_cast<std::uint32_t>(free - state->taken.begin());
    *free = true;
    entries_.push_back({id, state, number, &state->zone->cache(number)});
    return entries_.back().cache;
  }

 private:
  struct Entry {
    std::uint64_t id;
    std::weak_ptr<State> state;
    std::uint32_t number;
    LocalCache* cache;
  };

  static void give_back(const Entry& entry) {
    const std::shared_ptr<State> state = entry.state.lock();
    if (state == nullptr) return;
    const std::lock_guard held(state->mutex);
    if (state->zone == nullptr) return;
    entry.cache->retire();
    state->taken[entry.number] = false;
  }

  std::vector<Entry> entries_;
};

ThreadCaches::ThreadCaches(Zone& zone) : id_(next_id()), state_(std::make_shared<State>()) {
  FALLOW_REQUIRE(zone.cache_count() >= 2,
                 "ThreadCaches(): give the zone a cache for each thread, and one more");
  state_->zone = &zone;
  state_->taken.resize(zone.cache_count() - 1);
}

ThreadCaches::~ThreadCaches() {
  const std::lock_guard held(state_->mutex);
  state_->zone = nullptr;
}

ThreadCaches::OfThread* ThreadCaches::of_thread() noexcept {
  if (exited) return nullptr;
  static thread_local OfThread caches;
  return &caches;
}

// Null also while the thread exits, and if there is no memory for the thread's list.
LocalCache* ThreadCaches::find() noexcept {
  OfThread* const caches = of_thread();
  if (caches == nullptr) return nullptr;
  LocalCache* mine = caches->find(id_);
  try {
    if (mine == nullptr) mine = caches->take(id_, state_);
  } catch (const std::exception&) {
    return nullptr;
  }
  if (mine != nullptr) last_ = {id_, mine};
  return mine;
}

}  // namespace fallow::detail
