#include "fallow/reporting/policy_spec.h"

#include "fallow/base/detail/quantity.h"

namespace fallow {
namespace {

using detail::StringRef;

struct PolicyName {
  StringRef name;
  PolicyKind kind;
  bool (*read)(StringRef parameter, PolicySpec& spec);  // null: the policy has no parameter
};

bool read_age(StringRef parameter, PolicySpec& spec) {
  return detail::parse_any_time(parameter, &spec.age) && spec.age >= AgedPolicy::kMinAge &&
         spec.age <= AgedPolicy::kMaxAge;
}

bool read_threshold(StringRef parameter, PolicySpec& spec) {
  constexpr std::uint64_t kMost = 1'000'000'000;
  std::uint64_t blocks = 0;
  if (!detail::parse_decimal(parameter, &blocks) || blocks == 0 || blocks > kMost) return false;
  spec.threshold = static_cast<std::uint32_t>(blocks);
  return true;
}

// In the order of PolicyKind.
constexpr PolicyName kNames[] = {
    {"aged", PolicyKind::Aged, read_age},
    {"hwm", PolicyKind::Hwm, read_threshold},
    {"linux", PolicyKind::Linux, nullptr},
    {"none", PolicyKind::None, nullptr},
};

}  // namespace

Result<PolicySpec> parse_policy(StringRef text) noexcept {
  const std::size_t colon = text.find(':');
  for (const PolicyName& policy : kNames) {
    if (!(text.first(colon) == policy.name)) continue;
    PolicySpec spec;
    spec.kind = policy.kind;
    if (colon == StringRef::kNone) return spec;
    if (policy.read == nullptr) return Status::NotFound;
    if (!policy.read(text.from(colon + 1), spec)) return Status::InvalidArgument;
    return spec;
  }
  return Status::NotFound;
}

PolicyText format_policy(const PolicySpec& spec) noexcept {
  PolicyText text(kNames[static_cast<std::size_t>(spec.kind)].name);
  if (spec.kind == PolicyKind::Aged) {
    const detail::WholeTime age = detail::whole_time(spec.age);
    text.put(':').number(age.count).put(age.unit);
  }
  if (spec.kind == PolicyKind::Hwm && spec.threshold != HwmPolicy::kDefaultThreshold)
    text.put(':').number(spec.threshold);
  return text;
}

ConfiguredPolicy::ConfiguredPolicy(const PolicySpec& spec, Order order) noexcept
    : kind_(spec.kind), aged_(order, spec.age), hwm_(order, spec.threshold), linux_(order) {}

Policy* ConfiguredPolicy::get() noexcept {
  switch (kind_) {
    case PolicyKind::Aged:
      return &aged_;
    case PolicyKind::Hwm:
      return &hwm_;
    case PolicyKind::Linux:
      return &linux_;
    case PolicyKind::None:
      break;
  }
  return nullptr;
}

}  // namespace fallow
