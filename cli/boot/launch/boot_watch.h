// Watches a guest that runs in QEMU: its serial line, QEMU's standard error and resident memory, until the
// end.
#pragma once

#include <atomic>
#include <chrono>

#include "cli/boot/boot_observer.h"
#include "cli/boot/boot_run.h"
#include "cli/process/child_process.h"

namespace fallow::cli {

struct WatchOptions {
  std::chrono::steady_clock::time_point start;  // of QEMU; times are since then
  Nanoseconds timeout = seconds(60);            // of silence on the serial line
  int trace = -1;                               // QEMU's trace events can be read there, without blocking
  const std::atomic<bool>* stop = nullptr;
};

// Returns at the guest's verdict or panic, when QEMU ends, when the guest is silent, when `stop` is set. QEMU
// is then what it was: running or ended. Resident memory is looked at each 2 ms around the fall and each 20
// ms otherwise.
BootRun watch(ChildProcess& qemu, const WatchOptions& options, BootObserver& observer);

}  // namespace fallow::cli
