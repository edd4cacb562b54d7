// What the worker of `fallow serve` may ask of the kernel once it serves guests: a seccomp filter.
#pragma once

#include <string>

namespace fallow {

// For good, in all threads. A call that is not allowed kills the process, by SIGSYS. Sets no_new_privs.
// Empty, or what failed.
std::string enter_sandbox();

}  // namespace fallow
