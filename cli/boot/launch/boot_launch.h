// Runs a guest in QEMU, as it was asked for.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <optional>
#include <string>

#include "cli/boot/boot_observer.h"
#include "cli/boot/boot_run.h"

namespace fallow::cli {

// What has to be there before QEMU can start.
struct BootParts {
  std::string qemu, kernel;
};

// On failure returns nothing and sets `error` to a sentence that says how to get what is missing.
std::optional<BootParts> find_parts(const BootRequest& request, std::string* error);

struct BootOutcome {
  BootRun run;
  pid_t kept = -1;  // with --keep: the QEMU that goes on; -1: none does
};

// Runs it to its end, or until `stop` is set. Nothing of it is left but what was asked to be kept. On failure
// returns nothing and sets `error` to a sentence.
std::optional<BootOutcome> launch(const BootRequest& request, const BootParts& parts, BootObserver& observer,
                                  const std::atomic<bool>& stop, std::string* error);

}  // namespace fallow::cli
