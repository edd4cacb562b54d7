// Waits until all free memory is reported.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "guest/kernel/context.h"

namespace fallow::guest {

// Used on CPU 0, while no CPU allocates.
class WaitUntilReported {
 public:
  explicit WaitUntilReported(Context& context) noexcept : context_(context) {}

  // Returns true when every block of the policy's order is reported. Also gives up, and writes the event
  // "left", after a second plus two policy delays without a request. The next call then starts a new wait.
  bool done() noexcept;

 private:
  Context& context_;
  bool under_way_ = false;
  std::uint64_t requests_ = 0;
  Nanoseconds since_;
};

}  // namespace fallow::guest
