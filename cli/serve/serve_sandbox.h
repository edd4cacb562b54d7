// What the processes of `fallow serve` that others talk to may ask of the kernel: seccomp filters.
#pragma once

#include <string>

namespace fallow::cli {

// For good, in all threads. A call that is not allowed kills the process, by SIGSYS. Sets no_new_privs.
// Empty, or what failed; --no-sandbox does without.

// For the worker of a guest: it neither makes nor accepts connections.
std::string enter_guest_sandbox();
// For the process behind the control socket and the metrics: it accepts connections, and makes none.
std::string enter_control_sandbox();

}  // namespace fallow::cli
