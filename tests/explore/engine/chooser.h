// Choosers decide at each point of a schedule that has more than one continuation.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace fallow::explore {

// A point with `count` continuations. 0 is the default: the running thread continues, or a load reads the
// newest value.
struct Point {
  enum class Kind : std::uint8_t {
    Preempt,  // before an access: alternatives switch to another thread, and count as preemptions
    Switch,   // the running thread waits or has ended: all alternatives are equal
    Read,     // which store a load reads: alternatives are older stores, and count as stale reads
  };
  Kind kind;
  unsigned step;
  unsigned count;
  const std::uint8_t* threads;  // Preempt, Switch: the thread to which each continuation leads
};

class Chooser {
 public:
  virtual unsigned choose(const Point& point) = 0;

 protected:
  ~Chooser() = default;
};

// A choice other than 0, and the step before which it was made. A list of choices suffices to replay a
// schedule, whatever other points exist then. Printed as "p12:1 s40:2".
struct Choice {
  unsigned step;
  Point::Kind kind;
  std::uint8_t way;
};
using Choices = std::vector<Choice>;
std::string to_text(const Choices& choices);
Choices parse_choices(const std::string& text);

// Runs all schedules within the engine's limits, depth first. The world must be the same each time.
class DepthFirst final : public Chooser {
 public:
  unsigned choose(const Point& point) override;
  // Prepares the next schedule. Returns false when all schedules have been run.
  bool next();
  void restart();

 private:
  std::vector<std::uint8_t> taken_, counts_;
  std::size_t at_ = 0;
};

// Decides each point at random: on average one of `rarely` possible preemptions and stale reads happens.
class RandomWalk final : public Chooser {
 public:
  RandomWalk(std::uint64_t seed, unsigned rarely) : random_(seed), rarely_(rarely) {}
  unsigned choose(const Point& point) override;

 private:
  std::mt19937_64 random_;
  unsigned rarely_;
};

// Probabilistic concurrency testing (Burckhardt and others, ASPLOS 2010). Threads have priorities, and the
// highest runs. At `depth - 1` random points the running thread drops to the lowest priority.
class Pct final : public Chooser {
 public:
  Pct(std::uint64_t seed, unsigned depth) : random_(seed), depth_(depth) {}
  unsigned choose(const Point& point) override;
  // Draws priorities and change points for a schedule of about `length` points.
  void begin(unsigned length);

 private:
  std::mt19937_64 random_;
  unsigned depth_;
  std::vector<int> priority_;
  std::vector<unsigned> changes_;
  unsigned at_ = 0;
};

// Replays a schedule. Chooses 0 at every step that `choices` does not name.
class Replay final : public Chooser {
 public:
  explicit Replay(Choices choices) : choices_(std::move(choices)) {}
  unsigned choose(const Point& point) override;

 private:
  Choices choices_;
  std::size_t at_ = 0;
};

}  // namespace fallow::explore
