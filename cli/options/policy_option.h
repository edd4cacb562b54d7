// The argument of --policy, shared by the verbs.
#pragma once

#include <optional>
#include <string>

#include "cli/options/option_errors.h"
#include "fallow/reporting/policy_spec.h"

namespace fallow::cli {

// Parses "hwm", "hwm:N", "linux", "aged" or "aged:TIME". Refuses "none": a verb measures what a policy does.
// Returns the default policy if the option was not given, and after an error.
PolicySpec read_policy(const std::optional<std::string>& word, OptionErrors* errors);

// Formats a policy so that read_policy() returns the same value.
std::string policy_name(const PolicySpec& policy);

}  // namespace fallow::cli
