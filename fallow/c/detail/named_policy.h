// The policy of a registration, chosen by its text.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/reporting/policies.h"

namespace fallow::detail {

// Holds one policy at a time.
class NamedPolicy {
 public:
  // Takes the policy that the text names; null: "aged". InvalidArgument: unknown, or a parameter is malformed
  // or out of range. The previous policy must not be in use.
  Status choose(const char* text, Order order) noexcept;
  Policy& get() noexcept { return *policy_; }

 private:
  AgedPolicy aged_;
  HwmPolicy hwm_;
  LinuxPolicy linux_;
  Policy* policy_ = &aged_;
};

}  // namespace fallow::detail
