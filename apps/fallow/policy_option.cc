#include "apps/fallow/policy_option.h"

#include <string_view>

#include "apps/fallow/human.h"
#include "apps/fallow/quantity.h"
#include "fallow/reporting/policies.h"

namespace fallow {

PolicyChoice read_policy(const std::optional<std::string>& word, PolicyChoice otherwise,
                         OptionErrors* errors) {
  constexpr std::string_view kAged = "aged";
  if (!word) return otherwise;
  if (*word == "hwm") return {.kind = PolicyKind::Hwm, .age = otherwise.age};
  if (*word == "linux") return {.kind = PolicyKind::Linux, .age = otherwise.age};
  const std::string_view name = std::string_view(*word).substr(0, word->find(':'));
  if (name != kAged) {
    errors->refuse("--policy", *word, "hwm, linux, aged or aged:TIME");
    return otherwise;
  }
  if (*word == kAged) return {.kind = PolicyKind::Aged, .age = otherwise.age};
  const auto age = parse_time(std::string_view(*word).substr(kAged.size() + 1));
  if (!age || *age < AgedPolicy::kMinAge || *age > AgedPolicy::kMaxAge) {
    errors->refuse("--policy", *word,
                   "a time from 1ms to 24h with its unit after 'aged:', such as aged:100ms or aged:2s");
    return otherwise;
  }
  return {.kind = PolicyKind::Aged, .age = *age};
}

std::string policy_name(const PolicyChoice& policy) {
  switch (policy.kind) {
    case PolicyKind::Hwm:
      return "hwm";
    case PolicyKind::Linux:
      return "linux";
    case PolicyKind::Aged:
      break;
  }
  return "aged:" + format_time(policy.age);
}

}  // namespace fallow
