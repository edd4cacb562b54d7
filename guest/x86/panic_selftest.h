// Deliberate panics, which test the output of a panic.
#pragma once

#include "guest/protocol/text.h"

namespace fallow::guest::x86 {

// Panics if the command line has one of these words: `panic=check`, `panic=null` (reads page 0), `panic=text`
// (writes the image's text), `panic=data` (executes data), `panic=stack` (overflows the stack),
// `panic=opcode`. Otherwise a no-op.
void run_panic_selftest(StringRef command_line) noexcept;

}  // namespace fallow::guest::x86
