#include "tests/explore/engine/search.h"

#include <chrono>

namespace fallow::explore {
namespace {

class Clock {
 public:
  explicit Clock(const Budget& budget) : budget_(budget) {}
  bool over(std::uint64_t schedules) const {
    if (schedules >= budget_.schedules) return true;
    if (schedules % 256 != 0) return false;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count() > budget_.seconds;
  }

 private:
  Budget budget_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

bool prepared(const Scenario& scenario, Findings& findings) {
  goals().clear();
  const Outcome outcome = engine().prepare(scenario.prepare);
  findings.failed = outcome.failed;
  findings.what = outcome.what;
  return !outcome.failed;
}

void fail(Findings& findings, const Outcome& outcome) {
  findings.failed = true;
  findings.what = outcome.what;
  findings.choices = outcome.choices;
}

void look_at_goals(Findings& findings) {
  if (findings.failed) return;
  for (const Goal& goal : goals()) {
    if (goal.reached) continue;
    findings.failed = true;
    findings.what = "no schedule reached the goal: " + goal.what;
  }
}

}  // namespace

Findings search_all(const Scenario& scenario, const Limits& limits, const Budget& budget) {
  Findings findings;
  if (!prepared(scenario, findings)) return findings;
  const Clock clock(budget);
  DepthFirst chooser;
  do {
    const Outcome outcome = engine().run(chooser, limits);
    ++findings.schedules;
    findings.steps += outcome.steps;
    // A newly shared location adds points: the schedules so far did not cover everything.
    if (outcome.learnt) {
      chooser.restart();
    } else if (outcome.failed) {
      fail(findings, outcome);
      return findings;
    } else if (!chooser.next()) {
      findings.complete = true;
      break;
    }
  } while (!clock.over(findings.schedules));
  if (findings.complete) look_at_goals(findings);
  return findings;
}

Findings search_random(const Scenario& scenario, const Limits& limits, std::uint64_t seed,
                       const Budget& budget) {
  Findings findings;
  if (!prepared(scenario, findings)) return findings;
  const Clock clock(budget);
  RandomWalk walk(seed, 8);
  Pct pct(seed, 4);
  unsigned length = 100;
  while (!clock.over(findings.schedules)) {
    const bool walks = findings.schedules % 2 == 0;
    if (!walks) pct.begin(length);
    Chooser& chooser = walks ? static_cast<Chooser&>(walk) : pct;
    const Outcome outcome = engine().run(chooser, limits);
    length = outcome.steps;
    ++findings.schedules;
    findings.steps += outcome.steps;
    if (outcome.failed && !outcome.learnt) {
      fail(findings, outcome);
      return findings;
    }
  }
  return findings;
}

std::vector<std::string> trace_of(const Scenario& scenario, const Limits& limits, const Choices& choices) {
  std::vector<std::string> trace;
  Findings findings;
  if (!prepared(scenario, findings)) return {findings.what};
  Limits everywhere = limits;
  everywhere.every_access = true;
  Replay replay(choices);
  engine().set_trace(&trace);
  const Outcome outcome = engine().run(replay, everywhere);
  engine().set_trace(nullptr);
  trace.push_back(outcome.failed ? "failed: " + outcome.what : "no failure");
  return trace;
}

}  // namespace fallow::explore
