// A check of MSI-X interrupts with QEMU's entropy device, because QEMU's balloon device has no MSI-X.
#pragma once

#include "guest/protocol/text.h"
#include "guest/x86/bare_machine.h"
#include "guest/x86/paging.h"

namespace fallow::guest::x86 {

// With `entropy=check` on the command line, makes the virtio entropy device on the PCI bus (virtio 1.2, 5.4)
// fill a buffer, waits up to 5 s for its interrupt, and writes an event "entropy". Otherwise a no-op. Called
// on CPU 0 before find_balloon(), because DeviceInterrupts serves one device at a time.
void check_entropy(BareMachine& machine, Paging& paging, StringRef command_line) noexcept;

}  // namespace fallow::guest::x86
