#include "tests/explore/engine/engine.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>

namespace fallow::explore {
namespace {

std::uint64_t read_raw(const void* at, unsigned size) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, size);
  return value;
}
void write_raw(void* at, unsigned size, std::uint64_t value) { std::memcpy(at, &value, size); }

std::uint64_t modified(Modify how, std::uint64_t before, std::uint64_t operand, unsigned size) {
  std::uint64_t after = operand;
  switch (how) {
    case Modify::Exchange:
      break;
    case Modify::Add:
      after = before + operand;
      break;
    case Modify::Subtract:
      after = before - operand;
      break;
    case Modify::And:
      after = before & operand;
      break;
    case Modify::Or:
      after = before | operand;
      break;
  }
  return size == 8 ? after : after & ((std::uint64_t{1} << (8 * size)) - 1);
}

std::string file_line(const Site& site) {
  const std::string path = site.file_name();
  return path.substr(path.rfind('/') + 1) + ':' + std::to_string(site.line());
}

}  // namespace

Engine the_engine;

Outcome Engine::prepare(const std::function<void()>& prepare) {
  arena().clear();
  threads_.clear();
  end_ = [] {};
  observer_ = {};
  location_at_.assign(Arena::kSize, 0);
  locations_.clear();
  const Outcome outcome = run_alone(prepare);
  arena().save();
  return outcome;
}

// Runs on a fiber, so that the body can fail.
Outcome Engine::run_alone(const std::function<void()>& body) {
  failed_ = false;
  self_ = kMain;
  buried_.clear();
  fibers_[kMain].start(&body);
  fibers_[kMain].resume();
  return {failed_, false, false, failed_ ? what_ : std::string(), steps_, {}};
}

Outcome Engine::run(Chooser& chooser, const Limits& limits) {
  arena().restore();
  chooser_ = &chooser;
  limits_ = limits;
  steps_ = preemptions_ = stale_ = 0;
  fairness_ = {};
  idle_ = 0;
  failed_ = abandoned_ = learnt_ = false;
  buried_.clear();
  made_.clear();
  if (limits.weak) weak_.begin(static_cast<unsigned>(threads_.size()));
  for (unsigned t = 0; t < threads_.size(); ++t) fibers_[t].start(&threads_[t]);
  unfinished_ = ready_ = (1U << threads_.size()) - 1;
  concurrent_ = true;
  self_ = kMain;
  switch_to_any(Point::Kind::Switch);
  while (unfinished_ != 0 && !failed_) {
    self_ = next_;
    if (fibers_[self_].resume()) continue;
    if (failed_) break;
    if (tracing()) note("ends");
    unfinished_ &= ~bit();
    ready_ &= ~bit();
    if (unfinished_ != 0) switch_to_any(Point::Kind::Switch);
  }
  concurrent_ = false;
  self_ = kMain;
  if (abandoned_) return {false, learnt_, true, {}, steps_, {}};
  if (failed_) return {true, learnt_, false, what_, steps_, made_};
  Outcome outcome = run_alone(end_);
  outcome.learnt = learnt_;
  if (outcome.failed) outcome.choices = made_;
  return outcome;
}

void Engine::fail(std::string what) {
  if (!failed_) what_ = std::move(what);
  failed_ = true;
  fibers_[self_].suspend();
  std::abort();  // an abandoned fiber is never resumed
}

void Engine::abandon() {
  abandoned_ = true;
  fail("abandoned");
}

unsigned Engine::choose(const Point& point) {
  const unsigned way = chooser_->choose(point);
  if (way != 0) made_.push_back({point.step, point.kind, static_cast<std::uint8_t>(way)});
  return way;
}

// Sets next_. If the running thread can continue, it is the first alternative.
void Engine::switch_to_any(Point::Kind kind) {
  // A thread may wait although its condition already holds, but not repeatedly while nothing is written.
  if (ready_ == 0) {
    if (++idle_ > kMaxIdle) {
      what_ = "livelock: every thread waits";
      failed_ = true;
      return;
    }
    ready_ = unfinished_;
  }
  std::uint8_t threads[kMaxThreads];
  unsigned count = 0;
  const unsigned able =
      kind == Point::Kind::Preempt ? fairness_.eligible(ready_) | bit() : fairness_.eligible(ready_);
  if (self_ != kMain && (able & bit()) != 0) threads[count++] = static_cast<std::uint8_t>(self_);
  for (unsigned left = able & ~(self_ == kMain ? 0 : bit()); left != 0; left &= left - 1)
    threads[count++] = static_cast<std::uint8_t>(std::countr_zero(left));
  const unsigned way = count == 1 ? 0 : choose({kind, steps_, count, threads});
  if (kind == Point::Kind::Preempt && way != 0) ++preemptions_;
  next_ = threads[way];
  fairness_.scheduled(next_);
}

void Engine::offer_switch() {
  if (preemptions_ >= limits_.preemptions || (fairness_.eligible(ready_) & ~bit()) == 0) return;
  switch_to_any(Point::Kind::Preempt);
  if (next_ == self_) return;
  if (trace_ != nullptr) note("is preempted");
  fibers_[self_].suspend();
}

void Engine::wait() {
  if (!concurrent_) fail("the only thread waits");
  if (++steps_ > limits_.steps) fail("livelock: " + std::to_string(limits_.steps) + " steps");
  if (trace_ != nullptr) note("waits");
  ready_ &= ~bit();
  fairness_.waits(self_, ready_);
  switch_to_any(Point::Kind::Switch);
  if (next_ != self_ || failed_) fibers_[self_].suspend();
}

void Engine::wrote(void* at, std::uint64_t before, std::uint64_t after) {
  if (before != after) {
    ready_ = unfinished_;
    idle_ = 0;
  }
  if (observer_.wrote != nullptr) observer_.wrote(observer_.context, at, before, after);
}

unsigned Engine::location_of(const void* at, unsigned size) {
  const std::size_t first = arena().offset_of(at);
  const unsigned known = location_at_[first];
  if (known != 0) {
    const Location& l = locations_[known - 1U];
    if (l.first == first && l.size == size) return known - 1U;
  }
  locations_.push_back({.first = static_cast<std::uint32_t>(first), .size = static_cast<std::uint8_t>(size)});
  for (std::size_t i = first; i < first + size; ++i) {
    if (location_at_[i] != 0)
      fail("not modelled: atomic accesses that overlap without being of the same bytes");
    location_at_[i] = static_cast<std::uint16_t>(locations_.size());
  }
  return static_cast<unsigned>(locations_.size() - 1);
}

// The point before an access.
Engine::Location& Engine::access(const void* at, unsigned size, bool writes, const Site& site) {
  if (++steps_ > limits_.steps)
    fail("livelock: " + std::to_string(limits_.steps) + " steps, last at " + file_line(site));
  Location& l = locations_[location_of(at, size)];
  (writes ? l.writers : l.readers) |= static_cast<std::uint8_t>(bit());
  if (!l.shared && l.writers != 0 && std::popcount(static_cast<unsigned>(l.readers | l.writers)) > 1)
    l.shared = learnt_ = true;
  if (l.shared || limits_.every_access) offer_switch();
  if (!buried_.empty()) check_alive(at, "atomic access");
  if (limits_.weak && !weak_.initialised_for(self_, arena().offset_of(at)))
    fail("data race: an object is used at " + file_line(site) + " that another thread has just constructed");
  return l;
}

void Engine::check_alive(const void* at, const char* what) {
  for (const Grave& g : buried_) {
    if (reinterpret_cast<std::uintptr_t>(at) - reinterpret_cast<std::uintptr_t>(g.at) < g.size)
      fail(std::string(what) + " of memory that was released");
  }
}

void Engine::meet(const Site& site, AccessSite::Kind kind, std::memory_order& order,
                  std::memory_order& failure) {
  if (sites_ != nullptr) {
    const AccessSite met = site_of(site, kind, order, failure);
    if (std::find(sites_->begin(), sites_->end(), met) == sites_->end()) sites_->push_back(met);
  }
  if (mutation_ && mutation_->applies(site, kind)) {
    order = mutation_->order;
    failure = mutation_->failure;
  }
}

// In the weak model, returns the value of the store that the chooser picks; otherwise the newest value.
std::uint64_t Engine::read_stale(unsigned at, std::uint64_t newest, std::memory_order order) {
  unsigned older = 0;
  const unsigned choices = weak_.older_choices(self_, at, newest, order);
  if (choices != 0 && stale_ < limits_.stale_reads)
    older = choose({Point::Kind::Read, steps_, choices + 1, nullptr});
  if (older != 0) ++stale_;
  return weak_.read(self_, at, older, order);
}

std::uint64_t Engine::load(const void* at, unsigned size, std::memory_order order, const Site& site) {
  if (!concurrent_ || !arena().contains(at)) {
    last_loaded_ = at;
    return read_raw(at, size);
  }
  std::memory_order failure = std::memory_order_relaxed;
  if (sites_ != nullptr || mutation_) meet(site, AccessSite::Kind::Load, order, failure);
  const Location& l = access(at, size, false, site);
  std::uint64_t value = read_raw(at, size);
  if (is_weak(l)) {
    const std::uint64_t newest = value;
    value = read_stale(location_of(at, size), newest, order);
    if (trace_ != nullptr && value != newest) note("reads a stale value:");
  }
  if (trace_ != nullptr) trace_access("loads", at, value, value, site);
  return value;
}

void Engine::store(void* at, unsigned size, std::uint64_t value, std::memory_order order, const Site& site) {
  if (!concurrent_ || !arena().contains(at)) {
    const std::uint64_t before = read_raw(at, size);
    write_raw(at, size, value);
    if (arena().contains(at)) wrote(at, before, value);
    return;
  }
  std::memory_order failure = std::memory_order_relaxed;
  if (sites_ != nullptr || mutation_) meet(site, AccessSite::Kind::Store, order, failure);
  const Location& l = access(at, size, true, site);
  const std::uint64_t before = read_raw(at, size);
  if (is_weak(l)) weak_.write(self_, location_of(at, size), before, value, order);
  write_raw(at, size, value);
  if (trace_ != nullptr) trace_access("stores", at, before, value, site);
  wrote(at, before, value);
}

std::uint64_t Engine::modify(void* at, unsigned size, Modify how, std::uint64_t operand,
                             std::memory_order order, const Site& site) {
  if (!concurrent_ || !arena().contains(at)) {
    const std::uint64_t before = read_raw(at, size), after = modified(how, before, operand, size);
    write_raw(at, size, after);
    if (arena().contains(at)) wrote(at, before, after);
    return before;
  }
  std::memory_order failure = std::memory_order_relaxed;
  if (sites_ != nullptr || mutation_) meet(site, AccessSite::Kind::Modify, order, failure);
  if (mutation_ && mutation_->split && mutation_->applies(site, AccessSite::Kind::Modify)) {
    const std::uint64_t before = load(at, size, order, Site());
    store(at, size, modified(how, before, operand, size), order, Site());
    return before;
  }
  const Location& l = access(at, size, true, site);
  const std::uint64_t before = read_raw(at, size), after = modified(how, before, operand, size);
  if (is_weak(l)) weak_.update(self_, location_of(at, size), before, after, order);
  write_raw(at, size, after);
  if (trace_ != nullptr) trace_access("changes", at, before, after, site);
  wrote(at, before, after);
  return before;
}

bool Engine::compare_exchange(void* at, unsigned size, std::uint64_t& expected, std::uint64_t desired,
                              std::memory_order success, std::memory_order failure, const Site& site) {
  const bool modelled = concurrent_ && arena().contains(at);
  bool weak = false;
  if (modelled) {
    if (sites_ != nullptr || mutation_) meet(site, AccessSite::Kind::CompareExchange, success, failure);
    if (mutation_ && mutation_->split && mutation_->applies(site, AccessSite::Kind::CompareExchange)) {
      const std::uint64_t seen = load(at, size, success, Site());
      if (seen == expected) store(at, size, desired, success, Site());
      return std::exchange(expected, seen) == seen;
    }
    weak = is_weak(access(at, size, true, site));
  }
  const std::uint64_t before = read_raw(at, size);
  if (before != expected) {
    // A failed compare-exchange is a load, and may be stale, but must not return a value with which it would
    // have succeeded.
    const std::uint64_t wanted = expected;
    expected = before;
    if (weak) expected = read_stale(location_of(at, size), before, failure);
    // Coherence: from here on the thread has seen the newest store.
    if (expected == wanted) expected = weak ? weak_.read(self_, location_of(at, size), 0, failure) : before;
    if (modelled && trace_ != nullptr) trace_access("fails to change", at, expected, desired, site);
    return false;
  }
  if (weak) weak_.update(self_, location_of(at, size), before, desired, success);
  write_raw(at, size, desired);
  if (modelled && trace_ != nullptr) trace_access("changes", at, before, desired, site);
  if (arena().contains(at)) wrote(at, before, desired);
  return true;
}

void Engine::fence(std::memory_order order, const Site& site) {
  if (!concurrent_) return;
  std::memory_order failure = std::memory_order_relaxed;
  if (sites_ != nullptr || mutation_) meet(site, AccessSite::Kind::Fence, order, failure);
  if (!limits_.weak) return;
  // The effect of a seq_cst fence depends on the fences before it, so the fence is a step.
  if (order == std::memory_order_seq_cst) {
    ++steps_;
    offer_switch();
  }
  weak_.fence(self_, order);
}

void Engine::construct(void* at, unsigned size, std::uint64_t value) {
  write_raw(at, size, value);
  if (!concurrent_ || !limits_.weak || !arena().contains(at)) return;
  weak_.construct(location_of(at, size), value);
  plain(at, size, true, "the construction of an atomic");
}

void Engine::plain(const void* at, unsigned size, bool writes, const char* what) {
  if (!concurrent_ || !arena().contains(at)) return;
  if (!buried_.empty()) check_alive(at, what);
  if (!limits_.weak || weak_.plain(self_, arena().offset_of(at), size, writes)) return;
  char where[64];
  std::snprintf(where, sizeof where, " at offset 0x%zx of the arena", arena().offset_of(at));
  fail(std::string("data race: ") + what + where);
}

void Engine::note(const std::string& event) {
  trace_->push_back((self_ == kMain ? std::string("main ") : "thread " + std::to_string(self_) + ' ') +
                    event);
}

void Engine::trace_access(const char* what, const void* at, std::uint64_t before, std::uint64_t after,
                          const Site& site) {
  char text[160];
  std::snprintf(text, sizeof text, "%s 0x%05zx: 0x%llx", what, arena().offset_of(at),
                static_cast<unsigned long long>(before));
  std::string line = text;
  if (after != before) {
    std::snprintf(text, sizeof text, " -> 0x%llx", static_cast<unsigned long long>(after));
    line += text;
  }
  note(line + "   " + file_line(site));
}

// ---- Entry points of the model's atomics. ----

std::uint64_t load(const void* at, unsigned size, std::memory_order order, Site site) noexcept {
  return engine().load(at, size, order, site);
}
void store(void* at, unsigned size, std::uint64_t value, std::memory_order order, Site site) noexcept {
  engine().store(at, size, value, order, site);
}
std::uint64_t modify(void* at, unsigned size, Modify how, std::uint64_t operand, std::memory_order order,
                     Site site) noexcept {
  return engine().modify(at, size, how, operand, order, site);
}
bool compare_exchange(void* at, unsigned size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, Site site) noexcept {
  return engine().compare_exchange(at, size, expected, desired, success, failure, site);
}
void fence(std::memory_order order, Site site) noexcept { engine().fence(order, site); }
void construct(void* at, unsigned size, std::uint64_t value) noexcept { engine().construct(at, size, value); }

}  // namespace fallow::explore

extern "C" void fallow_panic(const char* what, const char* file, int line) noexcept {
  const std::string path = file;
  fallow::explore::engine().fail("CHECK failed: " + std::string(what) + ", " +
                                 path.substr(path.rfind('/') + 1) + ':' + std::to_string(line));
}
