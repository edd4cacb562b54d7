// Runs a guest in QEMU as requested.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <optional>
#include <string>

#include "cli/boot/boot_observer.h"
#include "cli/boot/boot_run.h"

namespace fallow::cli {

// The programs and images that QEMU needs to start.
struct BootParts {
  std::string qemu, kernel;
};

// On failure returns nothing and sets `error` to a sentence that explains how to get the missing part.
std::optional<BootParts> find_parts(const BootRequest& request, std::string* error);

struct BootOutcome {
  BootRun run;
  pid_t kept = -1;  // with --keep: the QEMU process left running; -1: none
};

// Runs the guest to its end, or until `stop` is set. Leaves no process behind unless --keep was given. On
// failure returns nothing and sets `error` to a sentence.
std::optional<BootOutcome> launch(const BootRequest& request, const BootParts& parts, BootObserver& observer,
                                  const std::atomic<bool>& stop, std::string* error);

}  // namespace fallow::cli
