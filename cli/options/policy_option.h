// The words of --policy, which mean the same to every verb that has it.
#pragma once

#include <optional>
#include <string>

#include "cli/options/option_errors.h"
#include "replay/replay.h"

namespace fallow::cli {

struct PolicyChoice {
  replay::PolicyKind kind = replay::PolicyKind::Aged;
  Nanoseconds age = milliseconds(100);  // of Aged
};

// "hwm", "linux", "aged" or "aged:TIME"; `otherwise` when the option was not given and after a refusal.
PolicyChoice read_policy(const std::optional<std::string>& word, PolicyChoice otherwise,
                         OptionErrors* errors);

// What read_policy() reads back as the same.
std::string policy_name(const PolicyChoice& policy);

}  // namespace fallow::cli
