// Applies one message to a copy of the settings.
#pragma once

#include "vhost_user/session/message_context.h"

namespace fallow::vhost {

// Checks the message against the rule of its request, runs its handler and fills the reply. The caller then
// commits or drops `m.next`.
Verdict handle_message(MessageContext& m) noexcept;

}  // namespace fallow::vhost
