#include "cli/options/policy_option.h"

#include <string_view>

#include "cli/term/format.h"
#include "cli/term/parse.h"
#include "fallow/reporting/policies.h"

namespace fallow::cli {

PolicyChoice read_policy(const std::optional<std::string>& word, PolicyChoice otherwise,
                         OptionErrors* errors) {
  constexpr std::string_view kAged = "aged";
  if (!word) return otherwise;
  if (*word == "hwm") return {.kind = replay::PolicyKind::Hwm, .age = otherwise.age};
  if (*word == "linux") return {.kind = replay::PolicyKind::Linux, .age = otherwise.age};
  const std::string_view name = std::string_view(*word).substr(0, word->find(':'));
  if (name != kAged) {
    errors->refuse("--policy", *word, "hwm, linux, aged or aged:TIME");
    return otherwise;
  }
  if (*word == kAged) return {.kind = replay::PolicyKind::Aged, .age = otherwise.age};
  const auto age = parse_time(std::string_view(*word).substr(kAged.size() + 1));
  if (!age || *age < AgedPolicy::kMinAge || *age > AgedPolicy::kMaxAge) {
    errors->refuse("--policy", *word,
                   "a time with a unit, from 1ms to 24h, after 'aged:', such as aged:100ms or aged:2s");
    return otherwise;
  }
  return {.kind = replay::PolicyKind::Aged, .age = *age};
}

std::string policy_name(const PolicyChoice& policy) {
  switch (policy.kind) {
    case replay::PolicyKind::Hwm:
      return "hwm";
    case replay::PolicyKind::Linux:
      return "linux";
    case replay::PolicyKind::Aged:
      break;
  }
  return "aged:" + format_time(policy.age);
}

}  // namespace fallow::cli
