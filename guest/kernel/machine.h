// The interface of the guest to its machine, and the facts that the boot loader passes. guest/x86 implements
// Machine on bare metal; the tests implement it in a process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/units.h"
#include "fallow/virtio/transport/transport.h"
#include "guest/protocol/text.h"

namespace fallow::guest {

// A guest-physical range in bytes, of any alignment.
struct MemoryRange {
  std::uint64_t begin = 0, end = 0;
};

// Read once at startup. The referenced memory must outlive the guest.
struct BootFacts {
  StringRef loader;                     // "pvh", "multiboot2"
  StringRef command_line;               // unparsed
  std::span<const MemoryRange> usable;  // ascending, disjoint
  std::span<const MemoryRange> taken;   // image, tables, modules; in any order, inside `usable` or not
  std::span<const std::byte> module;    // the first boot module, or empty
  std::uint32_t cpus = 1;               // running or about to run
};

class Machine {
 public:
  // Monotonic time since an unspecified point, the same on every CPU. Any CPU may call.
  virtual Nanoseconds now() noexcept = 0;
  // Pauses the CPU briefly. Any CPU may call.
  virtual void relax() noexcept = 0;
  // The number of this CPU, from 0.
  virtual std::uint32_t cpu() noexcept = 0;
  // Sleeps until `deadline`, a device interrupt, or wake(). Returns at once if an interrupt or a wake() came
  // since the last wait() of this CPU. The device interrupts CPU 0.
  virtual void wait(Nanoseconds deadline) noexcept = 0;
  // Ends the wait of CPU `cpu`. Any CPU may call.
  virtual void wake(std::uint32_t cpu) noexcept = 0;

  // Makes the transport deliver the pending interrupts as DeviceCalls, on this CPU. Costs one load if none is
  // pending. One CPU at a time; not reentrant from a DeviceCalls function.
  virtual void serve_device() noexcept = 0;

  // Writes to the serial line. The text is not interleaved with that of other CPUs. Any CPU may call.
  virtual void write(StringRef text) noexcept = 0;

  // The address at which a guest-physical address is mapped. All of `usable` is mapped.
  virtual std::byte* at(GuestPhys address) noexcept = 0;

 protected:
  ~Machine() = default;
};

// The balloon device that was found, and its description for the event "device".
struct FoundDevice {
  Transport* transport = nullptr;  // null if none was found
  StringRef bus;                   // "pci", "mmio"
  char address[24] = {};           // "00:03.0", "0xfeb00e00"
  StringRef interrupts;            // "msi-x", "intx", "line"; "none" if the device is polled
};

}  // namespace fallow::guest
