// Weakens every memory order of the core in turn, and looks for a scenario that misses it.
#pragma once

#include <string>
#include <vector>

#include "tests/explore/engine/mutation.h"
#include "tests/explore/engine/search.h"

namespace fallow::explore {

struct MutationResult {
  Mutation mutation;
  std::string caught_by;  // the scenario that failed; empty: none
  std::string what;       // how
  unsigned tried = 0;     // scenarios that meet the access
};

// The accesses that are met by each scenario, in the order of scenarios().
std::vector<std::vector<AccessSite>> met_sites();

// All mutations of the accesses in files whose path contains `file`, each tried on the scenarios that meet
// it: `seconds` for each at most. `part` of `parts` of them.
std::vector<MutationResult> run_mutations(const std::string& file, double seconds, unsigned part,
                                          unsigned parts, void (*progress)(const MutationResult&));

}  // namespace fallow::explore
