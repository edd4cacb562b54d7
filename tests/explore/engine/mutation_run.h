// Weakens every memory order of the core in turn, and searches for a scenario that detects the change.
#pragma once

#include <string>
#include <vector>

#include "tests/explore/engine/mutation.h"
#include "tests/explore/engine/search.h"

namespace fallow::explore {

struct MutationResult {
  Mutation mutation;
  std::string caught_by;  // the scenario that failed; empty if none did
  std::string what;       // how it failed
  unsigned tried = 0;     // scenarios that execute the access
};

// Returns the accesses that each scenario executes, in the order of scenarios().
std::vector<std::vector<AccessSite>> met_sites();

// Tries all mutations of the accesses in files whose path contains `file`, each on the scenarios that execute
// the access, for at most `seconds`. Runs only `part` of `parts`.
std::vector<MutationResult> run_mutations(const std::string& file, double seconds, unsigned part,
                                          unsigned parts, void (*progress)(const MutationResult&));

}  // namespace fallow::explore
