// Random programs find a fault that is injected into the core, and the shrinker reduces the failing program.
#include <gtest/gtest.h>

#include "tests/explore/programs/generator.h"
#include "tests/explore/programs/program_run.h"
#include "tests/explore/programs/shrink.h"

namespace fallow::explore {
namespace {

constexpr std::uint64_t kSchedules = 40;

// Splits the first access of this kind in the file into a load and a store, where one step is required.
class SplitAccess {
 public:
  SplitAccess(const Program& program, const std::string& file, AccessSite::Kind kind) {
    std::vector<AccessSite> sites;
    engine().collect_sites(&sites);
    static_cast<void>(run_random(program, {}, 1, kSchedules));
    engine().collect_sites(nullptr);
    for (const AccessSite& site : sites) {
      if (site.file != file || site.kind != kind) continue;
      engine().set_mutation(Mutation{site, site.order, site.failure, true});
      found_ = true;
      return;
    }
  }
  ~SplitAccess() { engine().set_mutation(std::nullopt); }
  SplitAccess(const SplitAccess&) = delete;
  SplitAccess& operator=(const SplitAccess&) = delete;
  bool found() const { return found_; }

 private:
  bool found_ = false;
};

// Two caches that take runs, so that the access is executed.
Program two_runs() {
  Program p;
  p.zone.caches = 2;
  p.owners = {0, 1};
  p.threads = {{allocate(0, 6)}, {allocate(1, 6)}};
  return p;
}

TEST(RandomPrograms, FindAndShrinkAFrameThatIsTakenTwice) {
  const SplitAccess mutation(two_runs(), "fallow/zone/detail/run_search.cc",
                             AccessSite::Kind::CompareExchange);
  ASSERT_TRUE(mutation.found());
  Limits limits;
  limits.preemptions = ~0U;
  FailingProgram failing;
  for (std::uint64_t seed = 1; seed < 5000; ++seed) {
    failing = {Generator(seed).program(), limits, {}};
    failing.findings = run_random(failing.program, limits, seed, kSchedules);
    if (kind_of(failing.findings.what).starts_with("given out twice")) break;
  }
  ASSERT_TRUE(failing.findings.failed);
  const std::string kind = kind_of(failing.findings.what);
  const std::size_t before = operation_count(failing.program);
  failing = shrink(failing, 1);
  EXPECT_EQ(kind_of(failing.findings.what), kind);
  EXPECT_LE(operation_count(failing.program), 4U) << to_scenario(failing.program, "Shrunk", kind);
  EXPECT_LT(operation_count(failing.program), before);
  EXPECT_LE(failing.limits.preemptions, 2U);
  // The schedule can be replayed, and only the mutation makes it fail.
  const Scenario shrunk{"Shrunk", "", [&] { perform(failing.program); }};
  EXPECT_EQ(trace_of(shrunk, failing.limits, failing.findings.choices).back(),
            "failed: " + failing.findings.what);
  engine().set_mutation(std::nullopt);
  EXPECT_FALSE(run_all(failing.program, failing.limits, 100'000).failed);
}

TEST(RandomPrograms, AreTheSameForTheSameSeed) {
  for (std::uint64_t seed = 1; seed < 50; ++seed) {
    const Program first = Generator(seed).program(), second = Generator(seed).program();
    ASSERT_EQ(to_scenario(first, "P", ""), to_scenario(second, "P", ""));
    const Findings one = run_random(first, {}, seed, kSchedules),
                   two = run_random(second, {}, seed, kSchedules);
    EXPECT_EQ(one.steps, two.steps);
    EXPECT_EQ(one.what, two.what);
  }
}

TEST(RandomPrograms, AreLegalWithoutAnyOfTheirParts) {
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    Program p = Generator(seed).program();
    while (!p.before.empty()) {
      p.before.erase(p.before.begin() + static_cast<std::ptrdiff_t>(p.before.size() / 2));
      const Findings found = run_random(p, {}, seed, 2);
      EXPECT_EQ(found.what.find("the scenario"), std::string::npos) << found.what << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace fallow::explore
