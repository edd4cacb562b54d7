// Watches a guest in QEMU to its end: its serial line, QEMU's standard error and QEMU's resident memory.
#pragma once

#include <atomic>
#include <chrono>

#include "cli/boot/boot_observer.h"
#include "cli/boot/boot_run.h"
#include "cli/process/child_process.h"

namespace fallow::cli {

struct WatchOptions {
  std::chrono::steady_clock::time_point start;  // of QEMU; times count from here
  Nanoseconds timeout = seconds(60);            // of silence on the serial line
  int trace = -1;                               // non-blocking descriptor of QEMU's trace events
  const std::atomic<bool>* stop = nullptr;
};

// Returns at the guest's verdict or panic, when QEMU ends, when the guest is silent for too long, or when
// `stop` is set. Does not end QEMU. Samples resident memory every 2 ms around the fall, and every 20 ms
// otherwise (every 200 ms after ten minutes).
BootRun watch(ChildProcess& qemu, const WatchOptions& options, BootObserver& observer);

}  // namespace fallow::cli
