// Panics on purpose, to show what one says.
#pragma once

#include "guest/protocol/string_ref.h"

namespace fallow::guest::x86 {

// With one of these words: `panic=check`, `panic=null` (page 0 is read), `panic=text` (the image's text is
// written), `panic=data` (data is executed), `panic=stack` (the stack overflows), `panic=opcode`. Without:
// nothing.
void make_trouble(StringRef command_line) noexcept;

}  // namespace fallow::guest::x86
