// Whether a state can be one that a session left. The process that had it may have been made to write
// anything before it died.
#pragma once

#include "vhost_user/protocol/error_text.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// Before a session goes on with `state`, and after VhostConnection::recover(). Looks at every number that is
// used as an index, a count or one of a few values, and at what each descriptor of the settings is. False:
// the complaint says what is wrong, its value, and what is allowed. Whether settings fit the device is the
// back-end's to see.
bool vhost_sound(const State& state, ErrorText& complaint) noexcept;

}  // namespace fallow::vhost
