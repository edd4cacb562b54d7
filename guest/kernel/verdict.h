// The verdict: whether all was well, and if not, what was not.
#pragma once

#include "guest/kernel/context.h"
#include "guest/protocol/fixed_string.h"

namespace fallow::guest {

// After the workload, with the balloon unbound and every cache retired. Walks the zones, and says the event.
// True: "ok".
bool say_verdict(Context& context) noexcept;

// The verdict of a guest that could not run.
void say_verdict(Machine& machine, StringRef why) noexcept;

}  // namespace fallow::guest
