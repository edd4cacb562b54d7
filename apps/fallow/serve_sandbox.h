// What the worker of `fallow serve` may ask of the kernel once it serves guests: a seccomp filter.
#pragma once

#include <string>

namespace fallow {

struct SandboxOptions {
  bool metrics = false;  // a server for metrics runs, which makes its own sockets
};

// For good, in all threads. A call that is not allowed kills the process, by SIGSYS. Sets no_new_privs.
// Empty, or what failed.
std::string enter_sandbox(const SandboxOptions& options);

}  // namespace fallow
