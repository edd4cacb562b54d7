#include "tests/explore/engine/mutation_run.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace fallow::explore {
namespace {

MutationResult try_mutation(const Mutation& mutation, const std::vector<std::vector<AccessSite>>& met,
                            double seconds) {
  MutationResult result{mutation, {}, {}};
  engine().set_mutation(mutation);
  for (std::size_t i = 0; i < met.size() && result.caught_by.empty(); ++i) {
    if (std::find(met[i].begin(), met[i].end(), mutation.site) == met[i].end()) continue;
    ++result.tried;
    const Scenario& scenario = scenarios()[i];
    const Findings found =
        search_all(scenario, {.preemptions = 2, .stale_reads = 1, .weak = true}, {seconds});
    // A goal that is not reached does not show that the order matters.
    if (!found.failed || found.complete) continue;
    result.caught_by = scenario.name;
    result.what = found.what;
  }
  engine().set_mutation({});
  return result;
}

}  // namespace

std::vector<std::vector<AccessSite>> met_sites() {
  std::vector<std::vector<AccessSite>> met;
  for (const Scenario& s : scenarios()) {
    met.emplace_back();
    engine().collect_sites(&met.back());
    static_cast<void>(search_all(s, {.preemptions = 1, .stale_reads = 0, .weak = true}, {0.2}));
    engine().collect_sites(nullptr);
  }
  return met;
}

std::vector<MutationResult> run_mutations(const std::string& file, double seconds, unsigned part,
                                          unsigned parts, void (*progress)(const MutationResult&)) {
  const std::vector<std::vector<AccessSite>> met = met_sites();
  std::vector<AccessSite> sites;
  for (const std::vector<AccessSite>& of_one : met) {
    for (const AccessSite& site : of_one) {
      if ((site.file + ':' + std::to_string(site.line)).find(file) != std::string::npos &&
          std::find(sites.begin(), sites.end(), site) == sites.end())
        sites.push_back(site);
    }
  }
  std::sort(sites.begin(), sites.end(), [](const AccessSite& a, const AccessSite& b) {
    return std::tie(a.file, a.line) < std::tie(b.file, b.line);
  });
  std::vector<MutationResult> results;
  unsigned number = 0;
  for (const AccessSite& site : sites) {
    for (const Mutation& mutation : mutations_of(site)) {
      if (number++ % parts != part) continue;
      results.push_back(try_mutation(mutation, met, seconds));
      progress(results.back());
    }
  }
  return results;
}

}  // namespace fallow::explore
