#include "tests/explore/engine/weak_memory.h"

#include <algorithm>

#include "tests/explore/engine/arena.h"

namespace fallow::explore {
namespace {

bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}
bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

Stamp& component(std::vector<Stamp>& view, std::size_t i) {
  if (view.size() <= i) view.resize(i + 16);
  return view[i];
}
Stamp component_of(const std::vector<Stamp>& view, std::size_t i) { return i < view.size() ? view[i] : 0; }

constexpr std::size_t seen(unsigned at) { return WeakMemory::kClocks + 2 * std::size_t{at}; }
constexpr std::size_t in_s(unsigned at) { return seen(at) + 1; }

void raise(std::vector<Stamp>& view, std::size_t i, Stamp to) {
  Stamp& s = component(view, i);
  s = std::max(s, to);
}

void join_from(std::vector<Stamp>& view, const Stamp* other, std::size_t length, std::size_t from = 0) {
  if (view.size() < length) view.resize(length);
  for (std::size_t i = from; i < length; ++i) view[i] = std::max(view[i], other[i]);
}

}  // namespace

void WeakMemory::begin(unsigned threads) {
  ++life_;
  frozen_.clear();
  precedences_.clear();
  strongest_.clear();
  threads_.resize(threads);
  for (unsigned t = 0; t < threads; ++t) {
    Thread& thread = threads_[t];
    for (View* view : {&thread.current, &thread.acquired, &thread.released, &thread.fenced, &thread.followed})
      view->clear();
    component(threads_[t].current, t) = 1;
  }
}

WeakMemory::Location& WeakMemory::location(unsigned at, std::uint64_t newest) {
  if (locations_.size() <= at) locations_.resize(at + 64);
  Location& l = locations_[at];
  if (l.life != life_) {
    l.life = life_;
    l.stores.clear();
    l.stores.push_back({newest, {}, {}, {}});
  }
  return l;
}

void WeakMemory::close(View& view) const {
  for (std::size_t i = 0; i < precedences_.size(); ++i) {
    const Precedence& p = precedences_[i];
    const Stamp* other = frozen_.data() + p.view.at;
    if (component_of(view, in_s(p.at)) < p.stamp) continue;
    bool grows = false;
    for (std::uint32_t c = kClocks + 1; c < p.view.length && !grows; c += 2)
      grows = component_of(view, c) < other[c];
    if (!grows) continue;
    join(view, p.view, true);
    i = ~std::size_t{0};  // which may add further precedences
  }
}

Stamp WeakMemory::floor(Thread& t, unsigned at, std::memory_order order) const {
  const Stamp least = component_of(t.current, seen(at));
  if (order != std::memory_order_seq_cst) return least;
  close(t.current);
  // A store that precedes the load in S, and every store that it overwrote.
  return std::max(least, component_of(t.current, in_s(at)));
}

unsigned WeakMemory::older_choices(unsigned thread, unsigned at, std::uint64_t newest,
                                   std::memory_order order) {
  const Location& l = location(at, newest);
  return static_cast<unsigned>(l.stores.size() - 1) - floor(threads_[thread], at, order);
}

void WeakMemory::join(View& view, Slice frozen, bool only_s) const {
  if (view.size() < frozen.length) view.resize(frozen.length);
  const Stamp* other = frozen_.data() + frozen.at;
  if (!only_s) {
    for (std::size_t i = 0; i < frozen.length; ++i) view[i] = std::max(view[i], other[i]);
    return;
  }
  for (std::size_t i = kClocks + 1; i < frozen.length; i += 2) view[i] = std::max(view[i], other[i]);
}

WeakMemory::Slice WeakMemory::freeze(const View& view, Slice with) {
  const Slice made{static_cast<std::uint32_t>(frozen_.size()),
                   static_cast<std::uint32_t>(std::max<std::size_t>(view.size(), with.length))};
  frozen_.resize(frozen_.size() + made.length);
  Stamp* to = frozen_.data() + made.at;
  std::copy(view.begin(), view.end(), to);
  const Stamp* other = frozen_.data() + with.at;
  for (std::uint32_t i = 0; i < with.length; ++i) to[i] = std::max(to[i], other[i]);
  return made;
}

std::uint64_t WeakMemory::read(unsigned thread, unsigned at, unsigned older, std::memory_order order) {
  Thread& t = threads_[thread];
  View& current = t.current;
  Location& l = locations_[at];
  const std::size_t index = l.stores.size() - 1 - older;
  Store& store = l.stores[index];
  raise(current, seen(at), static_cast<Stamp>(index));
  if (order == std::memory_order_seq_cst) {
    join(current, store.before_in_s, true);
    raise(current, in_s(at), static_cast<Stamp>(index));
    store.read_in_s = freeze(current, store.read_in_s);
    if (older != 0) precedences_.push_back({at, static_cast<Stamp>(index + 1), freeze(current, {})});
  }
  join(t.followed, store.before_in_s, true);
  if (!t.fenced.empty()) store.read_in_s = freeze(t.fenced, store.read_in_s);
  const std::uint64_t value = store.value;
  const Slice handed_over = store.view;
  if (older != 0 && order == std::memory_order_seq_cst) precede(current, at, index);
  if (older != 0 && !t.fenced.empty()) precede(t.fenced, at, index);
  join(acquires(order) ? current : t.acquired, handed_over, false);
  return value;
}

void WeakMemory::precede(const View& before, unsigned at, std::size_t index) {
  View only_s(before.size());
  for (std::size_t i = in_s(0); i < before.size(); i += 2) only_s[i] = before[i];
  for (Location& l : locations_) {
    if (l.life != life_) continue;
    for (Store& store : l.stores) {
      const bool later =
          &l == &locations_[at] && &store - l.stores.data() > static_cast<std::ptrdiff_t>(index);
      for (Slice* known : {&store.view, &store.before_in_s, &store.read_in_s}) {
        if (stamp_in(*known, in_s(at)) > index || (later && known == &store.before_in_s))
          *known = freeze(only_s, *known);
      }
    }
  }
  const auto add = [&](View& view, std::size_t if_after) {
    if (component_of(view, if_after) > index) join_from(view, only_s.data(), only_s.size());
  };
  for (Thread& t : threads_) {
    const bool before_fence = component_of(t.fenced, in_s(at)) > index;
    if (component_of(t.current, seen(at)) > index) join_from(t.followed, only_s.data(), only_s.size());
    for (View* view : {&t.current, &t.acquired, &t.released, &t.fenced, &t.followed}) add(*view, in_s(at));
    for (std::size_t i = in_s(0); before_fence && i < only_s.size(); i += 2)
      raise(t.current, i - 1, only_s[i]);
  }
  add(strongest_, in_s(at));
}

// Sets the view that a store carries: what the thread releases, and what a release sequence continues.
void WeakMemory::hand_over(Thread& t, unsigned thread, Store& store, Slice continued,
                           std::memory_order order) {
  const View& mine = releases(order) ? t.current : t.released;
  if (mine.empty()) {
    store.view = continued;
    return;
  }
  store.view = freeze(mine, continued);
  // Later operations of the thread are not covered by this release.
  if (releases(order)) ++t.current[thread];
}

// In S a store follows the seq_cst accesses of all stores that it overwrites.
void WeakMemory::append(Location& l, unsigned thread, unsigned at, std::uint64_t value,
                        std::memory_order order) {
  Thread& t = threads_[thread];
  View& current = t.current;
  const Stamp stamp = static_cast<Stamp>(l.stores.size());
  raise(current, seen(at), stamp);
  const Store& last = l.stores.back();
  Store store{value, {}, last.read_in_s.length == 0 ? last.before_in_s : last.read_in_s, {}};
  if (last.read_in_s.length != 0 && last.before_in_s.length != 0) {
    View both;
    join(both, last.before_in_s, true);
    store.before_in_s = freeze(both, last.read_in_s);
  }
  if (order == std::memory_order_seq_cst) {
    join(current, store.before_in_s, true);
    raise(current, in_s(at), stamp);
    store.before_in_s = freeze(current, {});
  }
  join(t.followed, store.before_in_s, true);
  if (!t.fenced.empty()) store.read_in_s = freeze(t.fenced, {});
  l.stores.push_back(store);
}

void WeakMemory::write(unsigned thread, unsigned at, std::uint64_t before, std::uint64_t value,
                       std::memory_order order) {
  Location& l = location(at, before);
  append(l, thread, at, value, order);
  hand_over(threads_[thread], thread, l.stores.back(), {}, order);
}

void WeakMemory::update(unsigned thread, unsigned at, std::uint64_t before, std::uint64_t value,
                        std::memory_order order) {
  location(at, before);
  read(thread, at, 0, order);
  Location& l = locations_[at];
  append(l, thread, at, value, order);
  hand_over(threads_[thread], thread, l.stores.back(), l.stores[l.stores.size() - 2].view, order);
}

void WeakMemory::fence(unsigned thread, std::memory_order order) {
  Thread& t = threads_[thread];
  if (acquires(order)) join_from(t.current, t.acquired.data(), t.acquired.size());
  if (order == std::memory_order_seq_cst) {
    // Clocks are excluded: a seq_cst fence orders what is read, but by itself synchronises with nothing.
    join_from(t.current, strongest_.data(), strongest_.size(), kClocks);
    join_from(t.current, t.followed.data(), t.followed.size(), kClocks);
    // Everything that follows the fence in S, and every value that its thread reads after the fence, is
    // no older than everything that precedes the fence in S, and every value that its thread has seen
    // before.
    for (std::size_t i = seen(0); i + 1 < t.current.size(); i += 2)
      t.current[i] = t.current[i + 1] = std::max(t.current[i], t.current[i + 1]);
    t.fenced = t.current;
    join_from(strongest_, t.current.data(), t.current.size(), kClocks);
  }
  if (releases(order)) {
    t.released = t.current;
    ++t.current[thread];
  }
}

WeakMemory::Byte& WeakMemory::byte(std::size_t at) {
  if (bytes_.empty()) bytes_.resize(Arena::kSize);
  Byte& b = bytes_[at];
  if (b.life != life_) b = Byte{life_, 0, 0, {}};
  return b;
}

bool WeakMemory::plain(unsigned thread, std::size_t first, unsigned size, bool writes) {
  const View& current = threads_[thread].current;
  bool ordered = true;
  for (unsigned i = 0; i < size; ++i) {
    Byte& b = byte(first + i);
    ordered = ordered && (b.written == 0 || component_of(current, b.writer) >= b.written);
    if (!writes) {
      b.read[thread] = current[thread];
      continue;
    }
    for (unsigned t = 0; t < threads_.size(); ++t) ordered = ordered && component_of(current, t) >= b.read[t];
    b.writer = static_cast<std::uint8_t>(thread);
    b.written = current[thread];
  }
  return ordered;
}

bool WeakMemory::initialised_for(unsigned thread, std::size_t first) const {
  if (bytes_.empty()) return true;
  const Byte& b = bytes_[first];
  return b.life != life_ || b.written == 0 || component_of(threads_[thread].current, b.writer) >= b.written;
}

void WeakMemory::construct(unsigned at, std::uint64_t value) {
  Location& l = location(at, value);
  l.stores.clear();
  l.stores.push_back({value, {}, {}, {}});
  for (Thread& t : threads_) {
    if (t.current.size() > in_s(at)) t.current[seen(at)] = t.current[in_s(at)] = 0;
  }
}

}  // namespace fallow::explore
