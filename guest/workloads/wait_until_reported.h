// Waiting until what is free is reported.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "guest/kernel/context.h"

namespace fallow::guest {

// On CPU 0, while no CPU allocates.
class WaitUntilReported {
 public:
  explicit WaitUntilReported(Context& context) noexcept : context_(context) {}

  // True when all that the policy's order could report is reported, or nothing was for a second (two passes
  // of the policy, if those take longer): then how much is left has been said. After that it begins anew.
  bool over() noexcept;

 private:
  Context& context_;
  bool under_way_ = false;
  std::uint64_t requests_ = 0;
  Nanoseconds since_;
};

}  // namespace fallow::guest
