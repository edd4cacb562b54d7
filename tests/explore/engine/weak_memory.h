// Models what C++20 lets a load read: for each location its stores so far, for each thread a view of what it
// must have seen.
//
// The model is operational, in the manner of the "promising" semantics without promises. A store is appended
// to its location's history with the view that an acquire of it receives. A load reads any store that is not
// older than the thread's view. Stores take effect in execution order, so load buffering and stores that sink
// into the middle of a history are not modelled.
//
// The total order S of the seq_cst operations (C++20, [atomics.order]) is not the execution order: a seq_cst
// load may precede, in S, a store that was executed earlier, unless something orders them. A view therefore
// also records for each location which seq_cst store is known to precede the thread's next operation in S.
// The view grows through happens-before, and through seq_cst accesses of one location, which S orders as they
// read and overwrite.
//
// Fences enter S in execution order. A fence and an access are ordered by what the fence's thread reads and
// overwrites before and after the fence (4.2, 4.3), but not through a third thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace fallow::explore {

using Stamp = std::uint16_t;  // the number of a store in its location's history, or a thread's clock

class WeakMemory {
 public:
  // A view's components: a clock for each thread, then two stamps for each location: the newest store seen,
  // and the newest store before it in S.
  static constexpr unsigned kClocks = 8;

  // Starts a new schedule. Locations keep their numbers.
  void begin(unsigned threads);

  // Returns how many stores of location `at` older than the newest `thread` may read.
  unsigned older_choices(unsigned thread, unsigned at, std::uint64_t newest, std::memory_order order);
  // Reads the store that is `older` steps before the newest.
  std::uint64_t read(unsigned thread, unsigned at, unsigned older, std::memory_order order);
  void write(unsigned thread, unsigned at, std::uint64_t before, std::uint64_t value,
             std::memory_order order);
  // Reads the newest store and writes one that continues its release sequence.
  void update(unsigned thread, unsigned at, std::uint64_t before, std::uint64_t value,
              std::memory_order order);
  void fence(unsigned thread, std::memory_order order);

  // Records a non-atomic access. Returns false if a conflicting access of another thread does not happen
  // before this one.
  bool plain(unsigned thread, std::size_t first, unsigned size, bool writes);
  // Checks an atomic access of bytes that some thread wrote plainly: returns false if that write does not
  // happen before the access.
  bool initialised_for(unsigned thread, std::size_t first) const;
  // Restarts the location's life with a plain store.
  void construct(unsigned at, std::uint64_t value);

 private:
  using View = std::vector<Stamp>;
  // An immutable view, in frozen_.
  struct Slice {
    std::uint32_t at = 0, length = 0;
  };

  struct Store {
    std::uint64_t value;
    Slice view;         // the view that an acquire of the store receives
    Slice before_in_s;  // what precedes this store in S, and a seq_cst load that reads it
    Slice read_in_s;    // what precedes such loads, and so the next store
  };
  struct Location {
    std::uint32_t life = 0;  // the schedule to which these stores belong
    std::vector<Store> stores;
  };
  struct Thread {
    View current;   // happens before the next operation
    View acquired;  // would happen before it after an acquire fence
    View released;  // the view that a release fence gives to relaxed stores
    // the view at the last seq_cst fence: precedes in S any store that overwrites a later access
    View fenced;
    View followed;  // will precede the next seq_cst fence in S
  };
  // A seq_cst load that read an older store precedes, in S, the store that followed it, although that store
  // was already executed: everything after `stamp` of `at` in S follows `view`.
  struct Precedence {
    unsigned at;
    Stamp stamp;
    Slice view;
  };
  struct Byte {
    std::uint32_t life = 0;
    std::uint8_t writer = 0;
    Stamp written = 0;  // 0: not in this schedule
    Stamp read[kClocks] = {};
  };

  Location& location(unsigned at, std::uint64_t newest);
  Stamp floor(Thread& t, unsigned at, std::memory_order order) const;
  // Adds what precedes in S because of older stores that were read.
  void close(View& view) const;
  // Joins only the components of S, or all.
  void join(View& view, Slice frozen, bool only_s) const;
  Slice freeze(const View& view, Slice with);
  Stamp stamp_in(Slice frozen, std::size_t i) const { return i < frozen.length ? frozen_[frozen.at + i] : 0; }
  // A read of a store that is not the newest precedes the later stores in S, and everything known to follow
  // them: what precedes the read precedes those.
  void precede(const View& before, unsigned at, std::size_t index);
  void hand_over(Thread& t, unsigned thread, Store& store, Slice continued, std::memory_order order);
  void append(Location& l, unsigned thread, unsigned at, std::uint64_t value, std::memory_order order);
  Byte& byte(std::size_t at);

  std::uint32_t life_ = 0;
  std::vector<Location> locations_;
  std::vector<Thread> threads_;
  View strongest_;  // of seq_cst fences
  std::vector<Stamp> frozen_;
  std::vector<Precedence> precedences_;
  std::vector<Byte> bytes_;
};

}  // namespace fallow::explore
