#include "cli/options/policy_option.h"

#include <string_view>

namespace fallow::cli {
namespace {

const char* expected(std::string_view word, Status why) {
  if (why == Status::NotFound) return "hwm, hwm:N, linux, aged or aged:TIME";
  if (word.starts_with("hwm")) return "a whole number from 1 to 1000000000 after 'hwm:', such as hwm:64";
  return "a time with a unit, from 1ms to 24h, after 'aged:', such as aged:100ms or aged:2s";
}

}  // namespace

PolicySpec read_policy(const std::optional<std::string>& word, OptionErrors* errors) {
  if (!word) return {};
  const Result<PolicySpec> policy = parse_policy(*word);
  if (policy.ok() && policy.value().kind != PolicyKind::None) return policy.value();
  errors->refuse("--policy", *word, expected(*word, policy.ok() ? Status::NotFound : policy.status()));
  return {};
}

std::string policy_name(const PolicySpec& policy) {
  const PolicyText text = format_policy(policy);
  return {text.text().data(), text.size()};
}

}  // namespace fallow::cli
