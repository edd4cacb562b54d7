// Runs one schedule: threads as fibers, a point before every access of a location that threads share.
//
// A location is shared once two threads have accessed it and one of them wrote. To switch threads before any
// other access would give the same behaviour as to switch before the next shared one, so there is no point
// there. What is shared is learnt while schedules run; Outcome::learnt tells a search to begin again.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/explore/engine/arena.h"
#include "tests/explore/engine/atomic.h"
#include "tests/explore/engine/chooser.h"
#include "tests/explore/engine/fairness.h"
#include "tests/explore/engine/fiber.h"
#include "tests/explore/engine/mutation.h"
#include "tests/explore/engine/weak_memory.h"

namespace fallow::explore {

struct Limits {
  unsigned preemptions = 2;
  unsigned stale_reads = 0;
  bool weak = false;  // loads may be stale, and what is not atomic is checked for races
  unsigned steps = 20'000;
  bool every_access = false;  // a point before each access, shared or not: to run a schedule again
};

struct Outcome {
  bool failed = false;
  bool learnt = false;     // in the weak model a failure means nothing then: histories are not complete
  bool abandoned = false;  // it came to what the scenario must not do, and shows nothing
  std::string what;        // why it failed
  unsigned steps = 0;
  Choices choices;  // of a schedule that failed
};

class Engine {
 public:
  static constexpr unsigned kMaxThreads = 4;
  static constexpr unsigned kMain = kMaxThreads;  // who prepares and finishes

  // Told of each write, in the arena, after it was made.
  struct Observer {
    void (*wrote)(void* context, void* at, std::uint64_t before, std::uint64_t after) = nullptr;
    void* context = nullptr;
  };

  // A new scenario: forgets locations, and calls `prepare` with an empty arena.
  Outcome prepare(const std::function<void()>& prepare);
  void add_thread(std::function<void()> body) { threads_.push_back(std::move(body)); }
  void at_end(std::function<void()> body) { end_ = std::move(body); }
  void observe(Observer observer) { observer_ = observer; }

  // One schedule of the prepared scenario.
  Outcome run(Chooser& chooser, const Limits& limits);

  // The running thread, kMain outside of all. Its number of steps so far orders events.
  unsigned self() const { return self_; }
  unsigned now() const { return steps_; }
  bool concurrent() const { return concurrent_; }
  bool weak() const { return limits_.weak; }

  // From a thread: waits for a write of another one.
  void wait();
  // From a thread, or while preparing or finishing: the schedule has failed. Does not return.
  [[noreturn]] void fail(std::string what);
  // The same, and the schedule is neither a success nor a failure.
  [[noreturn]] void abandon();
  // Plain accesses, for races.
  void plain(const void* at, unsigned size, bool writes, const char* what);
  // From here on, any access of these bytes is a failure.
  void bury(const void* at, std::size_t size) { buried_.push_back({at, size}); }

  // Where the last load outside of a schedule read: how a world finds what it watches.
  const void* last_loaded() const { return last_loaded_; }

  void set_mutation(std::optional<Mutation> mutation) { mutation_ = std::move(mutation); }
  void collect_sites(std::vector<AccessSite>* sites) { sites_ = sites; }
  void set_trace(std::vector<std::string>* trace) { trace_ = trace; }
  bool tracing() const { return trace_ != nullptr; }
  void note(const std::string& event);  // to be asked for only while tracing

  // The accesses of the model's atomics.
  std::uint64_t load(const void* at, unsigned size, std::memory_order order, const Site& site);
  void store(void* at, unsigned size, std::uint64_t value, std::memory_order order, const Site& site);
  std::uint64_t modify(void* at, unsigned size, Modify how, std::uint64_t operand, std::memory_order order,
                       const Site& site);
  bool compare_exchange(void* at, unsigned size, std::uint64_t& expected, std::uint64_t desired,
                        std::memory_order success, std::memory_order failure, const Site& site);
  void fence(std::memory_order order, const Site& site);
  void construct(void* at, unsigned size, std::uint64_t value);

 private:
  struct Location {
    std::uint8_t readers = 0, writers = 0;
    bool shared = false;
    std::uint32_t first;  // in the arena
    std::uint8_t size;    // bytes
  };
  struct Grave {
    const void* at;
    std::size_t size;
  };

  Outcome run_alone(const std::function<void()>& body);
  // Fails for an access that covers only a part of a location, or more than one.
  unsigned location_of(const void* at, unsigned size);
  Location& access(const void* at, unsigned size, bool writes, const Site& site);
  // What one thread alone accesses needs no history. Learning that it was shared runs the schedule again.
  bool is_weak(const Location& l) const { return limits_.weak && (l.shared || limits_.every_access); }
  unsigned bit() const { return 1U << self_; }
  unsigned choose(const Point& point);
  void offer_switch();
  void switch_to_any(Point::Kind kind);
  void wrote(void* at, std::uint64_t before, std::uint64_t after);
  std::uint64_t read_stale(unsigned at, std::uint64_t newest, std::memory_order order);
  void check_alive(const void* at, const char* what);
  void meet(const Site& site, AccessSite::Kind kind, std::memory_order& order, std::memory_order& failure);
  void trace_access(const char* what, const void* at, std::uint64_t before, std::uint64_t after,
                    const Site& site);

  std::vector<std::function<void()>> threads_;
  std::function<void()> end_;
  Observer observer_;
  std::array<Fiber, kMaxThreads + 1> fibers_;

  // Of the scenario.
  std::vector<std::uint16_t> location_at_;  // by offset in the arena: number + 1
  std::deque<Location> locations_;          // references stay valid while threads switch
  WeakMemory weak_;

  // Of the schedule.
  Chooser* chooser_ = nullptr;
  Limits limits_;
  bool concurrent_ = false;
  unsigned self_ = kMain, next_ = 0;
  unsigned unfinished_ = 0, ready_ = 0;  // a bit for each thread
  Fairness<kMaxThreads> fairness_;
  unsigned steps_ = 0, preemptions_ = 0, stale_ = 0;
  static constexpr unsigned kMaxIdle = 8;
  unsigned idle_ = 0;  // times that all threads waited since the last write
  bool failed_ = false, abandoned_ = false, learnt_ = false;
  std::string what_;
  std::vector<Grave> buried_;
  Choices made_;
  const void* last_loaded_ = nullptr;

  std::optional<Mutation> mutation_;
  std::vector<AccessSite>* sites_ = nullptr;
  std::vector<std::string>* trace_ = nullptr;
};

// There is one.
extern Engine the_engine;
inline Engine& engine() { return the_engine; }

}  // namespace fallow::explore
