// The argument of --policy, shared by the verbs.
#pragma once

#include <optional>
#include <string>

#include "cli/options/option_errors.h"
#include "replay/replay.h"

namespace fallow::cli {

struct PolicyChoice {
  replay::PolicyKind kind = replay::PolicyKind::Aged;
  Nanoseconds age = milliseconds(100);  // for Aged
};

// Parses "hwm", "linux", "aged" or "aged:TIME". Returns `otherwise` if the option was not given, and after an
// error.
PolicyChoice read_policy(const std::optional<std::string>& word, PolicyChoice otherwise,
                         OptionErrors* errors);

// Formats a policy so that read_policy() returns the same value.
std::string policy_name(const PolicyChoice& policy);

}  // namespace fallow::cli
