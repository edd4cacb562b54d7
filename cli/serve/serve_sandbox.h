// The seccomp filters of the `fallow serve` processes that handle untrusted input.
#pragma once

#include <string>

namespace fallow::cli {

// Both functions confine all threads of the process irrevocably and set no_new_privs. A forbidden system call
// kills the process with SIGSYS. They return an error text, or empty. --no-sandbox skips them.

// For the worker of a guest, which neither opens nor accepts connections.
std::string enter_guest_sandbox();
// For the control process, which accepts connections but opens none.
std::string enter_control_sandbox();

}  // namespace fallow::cli
