#include "tests/explore/engine/campaign.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <set>
#include <string>

#include "tests/explore/programs/generator.h"
#include "tests/explore/programs/program_run.h"
#include "tests/explore/programs/shrink.h"

namespace fallow::explore {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Some programs run with few preemptions, so that the search goes deeper at one place.
Limits limits_for(std::uint64_t seed, bool weak) {
  Limits limits;
  constexpr unsigned kPreemptions[] = {~0U, 3, ~0U, 6};
  limits.preemptions = kPreemptions[seed / 2 % 4];
  limits.weak = weak || seed % 2 != 0;
  limits.stale_reads = limits.weak ? 4 : 0;
  return limits;
}

// A line on a terminal that is rewritten in place.
class Progress {
 public:
  void show(std::uint64_t programs, std::uint64_t schedules, std::uint64_t failures) {
    if (!on_terminal_ || seconds_since(shown_) < 1) return;
    shown_ = Clock::now();
    std::fprintf(stderr, "\r%llu programs, %llu schedules, %llu failed, %.0f s ",
                 static_cast<unsigned long long>(programs), static_cast<unsigned long long>(schedules),
                 static_cast<unsigned long long>(failures), seconds_since(begin_));
  }
  void clear() const {
    if (on_terminal_) std::fprintf(stderr, "\r%78s\r", "");
  }
  double seconds() const { return seconds_since(begin_); }

 private:
  bool on_terminal_ = isatty(STDERR_FILENO) != 0;
  Clock::time_point begin_ = Clock::now(), shown_ = begin_;
};

void print(const FailingProgram& f, std::uint64_t seed) {
  const std::string name = "Program" + std::to_string(seed);
  std::printf("%s\nexplore --scenario %s --bound %u --stale %u%s --replay '%s'\n\n",
              to_scenario(f.program, name, f.findings.what).c_str(), name.c_str(), f.limits.preemptions,
              f.limits.stale_reads, f.limits.weak ? " --weak" : "", to_text(f.findings.choices).c_str());
  std::fflush(stdout);
}

}  // namespace

std::uint64_t run(const Campaign& c) {
  Progress progress;
  std::set<std::string> kinds;
  std::uint64_t programs = 0, schedules = 0, failures = 0, in_sequence = 0, first = 0;
  for (std::uint64_t seed = c.seed; programs < c.programs && progress.seconds() < c.seconds; ++seed) {
    progress.show(programs, schedules, failures);
    const Program program = Generator(seed).program();
    const Limits limits = limits_for(seed, c.weak);
    const Findings found = run_random(program, limits, seed, c.schedules);
    ++programs;
    schedules += found.schedules;
    if (!found.failed) continue;
    if (failures++ == 0) first = seed;
    // A failure without any preemption is a different fault from one that needs a preemption.
    Limits none;
    none.preemptions = 0;
    const Findings alone = run_all(program, none, 1);
    if (alone.failed && kind_of(alone.what) == kind_of(found.what)) ++in_sequence;
    if (kinds.insert(kind_of(found.what) + (alone.failed ? " in sequence" : "")).second) {
      progress.clear();
      std::printf(
          "Program %llu, schedule %llu%s: %s\nexplore --programs-count 1 --seed %llu --schedules "
          "%llu%s\nShrinking ...\n",
          static_cast<unsigned long long>(seed), static_cast<unsigned long long>(found.schedules),
          limits.weak ? ", weak memory" : "", found.what.c_str(), static_cast<unsigned long long>(seed),
          static_cast<unsigned long long>(c.schedules), c.weak ? " --weak" : "");
      std::fflush(stdout);
      print(shrink({program, limits, found}, seed), seed);
    }
    if (!c.keep_going) break;
  }
  progress.clear();
  std::printf("%llu programs from seed %llu, %llu schedules, %.1f s: ",
              static_cast<unsigned long long>(programs), static_cast<unsigned long long>(c.seed),
              static_cast<unsigned long long>(schedules), progress.seconds());
  if (failures == 0) {
    std::puts("no failure");
  } else {
    std::printf("%llu failed (%llu in sequence), the first with seed %llu\n",
                static_cast<unsigned long long>(failures), static_cast<unsigned long long>(in_sequence),
                static_cast<unsigned long long>(first));
  }
  return failures;
}

}  // namespace fallow::explore
