// Explores the schedules of the core's scenarios, and of random programs: see docs/exploring.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "tests/explore/engine/campaign.h"
#include "tests/explore/engine/mutation_run.h"
#include "tests/explore/engine/search.h"

namespace fallow::explore {
namespace {

// The I-th of N parts of a list, so that several processes can share the work.
struct Part {
  unsigned number = 0, count = 1;
  bool has(unsigned long i) const { return i % count == number; }
};

struct Options {
  Limits limits;
  std::string scenario, replay, mutations;
  double seconds = 1e9;
  std::uint64_t random = 0;
  bool list = false;
  Part part;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

int run_mutations_of(const Options& options) {
  const auto show = [](const MutationResult& r) {
    const std::string verdict =
        r.caught_by.empty() ? "MISSED by none of " + std::to_string(r.tried) : r.caught_by;
    std::printf("%-90s %s\n", to_text(r.mutation).c_str(), verdict.c_str());
    std::fflush(stdout);
  };
  const double seconds = std::min(options.seconds, 10.0);
  unsigned missed = 0, all = 0;
  for (const MutationResult& r :
       run_mutations(options.mutations, seconds, options.part.number, options.part.count, show)) {
    ++all;
    missed += r.caught_by.empty();
  }
  std::printf("%u mutations, %u of which no scenario misses\n", all, missed);
  return missed == 0 ? 0 : 1;
}

void report(const Scenario& s, const Limits& limits, const Findings& f, double seconds) {
  std::printf("%-40s %10llu schedules %7.2f s  %s\n", s.name, static_cast<unsigned long long>(f.schedules),
              seconds,
              f.failed     ? "FAILED"
              : f.complete ? "complete"
                           : "stopped");
  if (f.failed) {
    std::printf("  %s\n  --scenario %s --bound %u --stale %u%s --replay '%s'\n", f.what.c_str(), s.name,
                limits.preemptions, limits.stale_reads, limits.weak ? " --weak" : "",
                to_text(f.choices).c_str());
  }
  std::fflush(stdout);
}

int run_scenarios(const Options& options) {
  unsigned failures = 0, number = 0;
  std::uint64_t schedules = 0;
  for (const Scenario& s : scenarios()) {
    if (!options.scenario.empty() && options.scenario != s.name) continue;
    if (!options.part.has(number++)) continue;
    const auto begin = std::chrono::steady_clock::now();
    const Findings f = options.random != 0
                           ? search_random(s, options.limits, options.random, {options.seconds})
                           : search_all(s, options.limits, {options.seconds});
    report(s, options.limits, f, seconds_since(begin));
    schedules += f.schedules;
    failures += f.failed ? 1 : 0;
  }
  std::printf("%llu schedules, %u failures\n", static_cast<unsigned long long>(schedules), failures);
  return failures == 0 ? 0 : 1;
}

int main_of(int argc, char** argv) {
  CLI::App app("Explore the schedules of the core's scenarios, or of random programs");
  Options options;
  Campaign campaign;
  std::string part = "0/1";
  app.add_flag("--list", options.list, "List the scenarios and what each shows");
  app.add_option("--scenario", options.scenario, "Run only this one");
  app.add_option("--bound", options.limits.preemptions, "Most preemptions in a schedule")
      ->capture_default_str();
  app.add_flag("--weak", options.limits.weak, "Weak memory: loads may be stale, and data races are found");
  app.add_option("--stale", options.limits.stale_reads, "Most stale reads in a schedule, with --weak")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Most time for each scenario; 10 for each mutation at most");
  app.add_option("--random", options.random, "Random schedules from this seed, instead of all");
  app.add_option("--replay", options.replay, "Print one schedule of --scenario, step by step");
  app.add_option("--mutations", options.mutations,
                 "Weaken each memory order at places whose FILE:LINE contains this");
  app.add_option("--part", part, "Of scenarios or mutations, part I of N only: I/N, from 0")
      ->capture_default_str();
  CLI::Option* const programs =
      app.add_option("--programs", campaign.seconds, "Random programs for this many seconds");
  CLI::Option* const count =
      app.add_option("--programs-count", campaign.programs, "Random programs, this many");
  app.add_option("--seed", campaign.seed, "Seed of the first random program")->capture_default_str();
  app.add_option("--schedules", campaign.schedules, "Schedules of each random program")
      ->capture_default_str();
  app.add_flag("--keep-going", campaign.keep_going, "Go on after a failure, and shrink one of each kind");
  CLI11_PARSE(app, argc, argv);

  if (std::sscanf(part.c_str(), "%u/%u", &options.part.number, &options.part.count) != 2 ||
      options.part.number >= options.part.count) {
    std::fprintf(stderr, "explore: --part %s: expected I/N with I below N\n", part.c_str());
    return 2;
  }
  if (!options.scenario.empty() && find_scenario(options.scenario) == nullptr) {
    std::fprintf(stderr, "explore: --scenario %s: there is none of this name; see --list\n",
                 options.scenario.c_str());
    return 2;
  }
  if (options.list) {
    for (const Scenario& s : scenarios()) std::printf("%-40s %s\n", s.name, s.shows);
    return 0;
  }
  if (programs->count() + count->count() > 0) {
    campaign.weak = options.limits.weak;
    return run(campaign) == 0 ? 0 : 1;
  }
  if (!options.mutations.empty()) return run_mutations_of(options);
  if (options.replay.empty()) return run_scenarios(options);
  if (options.scenario.empty()) {
    std::fprintf(stderr, "explore: --replay needs --scenario\n");
    return 2;
  }
  for (const std::string& line :
       trace_of(*find_scenario(options.scenario), options.limits, parse_choices(options.replay)))
    std::puts(line.c_str());
  return 0;
}

}  // namespace
}  // namespace fallow::explore

int main(int argc, char** argv) { return fallow::explore::main_of(argc, argv); }
