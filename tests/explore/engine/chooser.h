// Who decides at each point of a schedule where there is more than one way to go on.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace fallow::explore {

// `count` ways to go on. 0 is the ordinary one: the running thread goes on, a load reads the newest value.
struct Point {
  enum class Kind : std::uint8_t {
    Preempt,  // before an access: alternatives switch to another thread, and count as preemptions
    Switch,   // the running thread waits or has ended: every alternative is as good
    Read,     // which store a load reads: alternatives are older ones, and count as stale reads
  };
  Kind kind;
  unsigned step;
  unsigned count;
  const std::uint8_t* threads;  // Preempt, Switch: the thread that each way leads to
};

class Chooser {
 public:
  virtual unsigned choose(const Point& point) = 0;

 protected:
  ~Chooser() = default;
};

// A way other than 0, and the step before which it was taken: enough to run a schedule again, whatever
// else is a point then. Printed as "p12:1 s40:2".
struct Choice {
  unsigned step;
  Point::Kind kind;
  std::uint8_t way;
};
using Choices = std::vector<Choice>;
std::string to_text(const Choices& choices);
Choices parse_choices(const std::string& text);

// Depth first over all schedules within the engine's limits. The same world must meet it each time.
class DepthFirst final : public Chooser {
 public:
  unsigned choose(const Point& point) override;
  // Prepares the next schedule; false when all have been run.
  bool next();
  void restart();

 private:
  std::vector<std::uint8_t> taken_, counts_;
  std::size_t at_ = 0;
};

// Each point is decided by a coin: one of `rarely` preemptions and stale reads that are possible happens.
class RandomWalk final : public Chooser {
 public:
  RandomWalk(std::uint64_t seed, unsigned rarely) : random_(seed), rarely_(rarely) {}
  unsigned choose(const Point& point) override;

 private:
  std::mt19937_64 random_;
  unsigned rarely_;
};

// Probabilistic concurrency testing (Burckhardt and others, ASPLOS 2010): threads have priorities, the
// highest runs, and at `depth - 1` random points the running one sinks to the bottom.
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

// Runs a schedule again. It chooses 0 at every step that `choices` does not name.
class Replay final : public Chooser {
 public:
  explicit Replay(Choices choices) : choices_(std::move(choices)) {}
  unsigned choose(const Point& point) override;

 private:
  Choices choices_;
  std::size_t at_ = 0;
};

}  // namespace fallow::explore
