// The verdict of a run: "ok", or the most severe error.
#pragma once

#include "guest/kernel/context.h"
#include "guest/protocol/text.h"

namespace fallow::guest {

// Walks the zones and writes the event "verdict". Call after the workload, with the balloon unbound and every
// cache retired. Returns true if the verdict is "ok".
bool write_verdict(Context& context) noexcept;

// Writes the verdict of a guest that could not run.
void write_verdict(Machine& machine, StringRef why) noexcept;

}  // namespace fallow::guest
