// Runs one schedule: threads are fibers, with a point before every access of a location that threads share.
//
// A location is shared once two threads have accessed it and one of them wrote. Switching threads before any
// other access has the same effect as switching before the next shared access, so other accesses have no
// point. The engine learns which locations are shared while schedules run; Outcome::learnt tells a search to
// restart.
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
  bool weak = false;  // loads may be stale, and non-atomic accesses are checked for races
  unsigned steps = 20'000;
  bool every_access = false;  // a point before each access, shared or not: used to replay a schedule
};

struct Outcome {
  bool failed = false;
  bool learnt = false;     // in the weak model a failure is then not conclusive: histories are incomplete
  bool abandoned = false;  // the schedule did something that the scenario must not do, and shows nothing
  std::string what;        // the reason for the failure
  unsigned steps = 0;
  Choices choices;  // of a failed schedule
};

class Engine {
 public:
  static constexpr unsigned kMaxThreads = 4;
  static constexpr unsigned kMain = kMaxThreads;  // the thread that prepares and finishes

  // Is notified of each write in the arena, after the write.
  struct Observer {
    void (*wrote)(void* context, void* at, std::uint64_t before, std::uint64_t after) = nullptr;
    void* context = nullptr;
  };

  // Starts a new scenario: discards all locations, and calls `prepare` with an empty arena.
  Outcome prepare(const std::function<void()>& prepare);
  void add_thread(std::function<void()> body) { threads_.push_back(std::move(body)); }
  void at_end(std::function<void()> body) { end_ = std::move(body); }
  void observe(Observer observer) { observer_ = observer; }

  // Runs one schedule of the prepared scenario.
  Outcome run(Chooser& chooser, const Limits& limits);

  // Returns the running thread, or kMain outside all threads. The number of steps so far orders events.
  unsigned self() const { return self_; }
  unsigned now() const { return steps_; }
  bool concurrent() const { return concurrent_; }
  bool weak() const { return limits_.weak; }

  // Called by a thread: waits for a write by another thread.
  void wait();
  // Called by a thread, or during preparation or finish: marks the schedule as failed. Does not return.
  [[noreturn]] void fail(std::string what);
  // Like fail(), but the schedule is neither a success nor a failure.
  [[noreturn]] void abandon();
  // Records a plain access, for race detection.
  void plain(const void* at, unsigned size, bool writes, const char* what);
  // Makes any further access of these bytes a failure.
  void bury(const void* at, std::size_t size) { buried_.push_back({at, size}); }

  // Returns the address of the last load outside of a schedule. A world uses it to find the locations that it
  // watches.
  const void* last_loaded() const { return last_loaded_; }

  void set_mutation(std::optional<Mutation> mutation) { mutation_ = std::move(mutation); }
  void collect_sites(std::vector<AccessSite>* sites) { sites_ = sites; }
  void set_trace(std::vector<std::string>* trace) { trace_ = trace; }
  bool tracing() const { return trace_ != nullptr; }
  void note(const std::string& event);  // only while tracing

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
    std::uint32_t first;  // offset in the arena
    std::uint8_t size;    // in bytes
  };
  struct Grave {
    const void* at;
    std::size_t size;
  };

  Outcome run_alone(const std::function<void()>& body);
  // Fails for an access that covers only part of a location, or more than one location.
  unsigned location_of(const void* at, unsigned size);
  Location& access(const void* at, unsigned size, bool writes, const Site& site);
  // A location that only one thread accesses needs no history. If it turns out to be shared, the schedule is
  // run again.
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

  // State of the scenario.
  std::vector<std::uint16_t> location_at_;  // by offset in the arena: number + 1
  std::deque<Location> locations_;          // references stay valid while threads switch
  WeakMemory weak_;

  // State of the schedule.
  Chooser* chooser_ = nullptr;
  Limits limits_;
  bool concurrent_ = false;
  unsigned self_ = kMain, next_ = 0;
  unsigned unfinished_ = 0, ready_ = 0;  // one bit per thread
  Fairness<kMaxThreads> fairness_;
  unsigned steps_ = 0, preemptions_ = 0, stale_ = 0;
  static constexpr unsigned kMaxIdle = 8;
  unsigned idle_ = 0;  // how often all threads have waited since the last write
  bool failed_ = false, abandoned_ = false, learnt_ = false;
  std::string what_;
  std::vector<Grave> buried_;
  Choices made_;
  const void* last_loaded_ = nullptr;

  std::optional<Mutation> mutation_;
  std::vector<AccessSite>* sites_ = nullptr;
  std::vector<std::string>* trace_ = nullptr;
};

// The only instance.
extern Engine the_engine;
inline Engine& engine() { return the_engine; }

}  // namespace fallow::explore
