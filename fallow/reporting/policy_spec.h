// The name and the parameters of a policy as text, and the policy that they stand for.
#pragma once

#include <cstdint>

#include "fallow/base/detail/fixed_string.h"
#include "fallow/base/detail/string_ref.h"
#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/reporting/policies.h"

namespace fallow {

/// The built-in policies.
enum class PolicyKind : std::uint8_t {
  Aged,   ///< AgedPolicy
  Hwm,    ///< HwmPolicy
  Linux,  ///< LinuxPolicy
  None,   ///< nothing is reported
};

/// A policy and its parameters.
struct PolicySpec {
  PolicyKind kind = PolicyKind::Aged;                      ///< Which policy.
  Nanoseconds age = AgedPolicy::kDefaultAge;               ///< Of Aged: AgedPolicy::kMinAge to kMaxAge.
  std::uint32_t threshold = HwmPolicy::kDefaultThreshold;  ///< Of Hwm, in blocks: at least 1.
  /// Compares all members, used or not.
  friend constexpr bool operator==(const PolicySpec&, const PolicySpec&) = default;
};

/// Parses `aged`, `aged:TIME`, `hwm`, `hwm:BLOCKS`, `linux` or `none`. TIME is a number, which may have a
/// fraction, and a unit: ns, us, ms, s, m or h; the time is from 1 ms to 24 h. BLOCKS is from 1 to 10^9. A
/// parameter that the text does not give has its default.
///
/// Returns NotFound if the text does not begin with the name of a policy, or gives a parameter to a policy
/// that has none; InvalidArgument if the parameter is malformed or outside its range. Any thread; O(length).
Result<PolicySpec> parse_policy(detail::StringRef text) noexcept;

/// A policy as text, without a terminating null character: see data() and size().
using PolicyText = detail::FixedString<32>;

/// Formats a policy so that parse_policy() returns the same policy: "aged:100ms", "linux", "none", and "hwm"
/// or, with another threshold than the default, "hwm:64".
PolicyText format_policy(const PolicySpec& spec) noexcept;

/// Owns the policy that a PolicySpec stands for. It must outlive the registration with which the policy is
/// used.
class ConfiguredPolicy {
 public:
  /// `order`: the smallest block to report, 0 to 10.
  ConfiguredPolicy(const PolicySpec& spec, Order order) noexcept;

  /// Returns the policy; null for PolicyKind::None. Policy::validate() tells whether the parameters are in
  /// range.
  Policy* get() noexcept;

 private:
  PolicyKind kind_;
  AgedPolicy aged_;
  HwmPolicy hwm_;
  LinuxPolicy linux_;
};

}  // namespace fallow
