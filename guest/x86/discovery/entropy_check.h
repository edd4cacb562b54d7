// A device that interrupts by messages, asked to do so: QEMU's balloon has no MSI-X, its source of entropy
// has.
#pragma once

#include "guest/protocol/string_ref.h"
#include "guest/x86/bare_machine.h"
#include "guest/x86/paging.h"

namespace fallow::guest::x86 {

// With the word `entropy=check`: has the virtio entropy device on the PCI bus (virtio 1.2, 5.4) fill a
// buffer, waits for its interrupt, a few seconds at most, and says an event "entropy" of what came. Without:
// nothing. CPU 0, before the balloon is looked for: the interrupts of the one device are taken, and free
// again after it.
void check_entropy(BareMachine& machine, Paging& paging, StringRef command_line) noexcept;

}  // namespace fallow::guest::x86
