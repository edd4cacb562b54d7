// Checks whether a session can have left a given state. An attacker may have made the process that owned the
// state write anything before it died.
#pragma once

#include "vhost_user/protocol/error_text.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// Call this before a session continues with `state`, and after Connection::recover(). Checks every number
// that is used as an index, a count or an enumeration, and the kind of each descriptor in the settings.
// False: the error text gives the wrong value and the allowed ones. The back-end checks whether the settings
// fit the device.
bool is_sound(const State& state, ErrorText& error_text) noexcept;

}  // namespace fallow::vhost
