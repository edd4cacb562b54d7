// What the guest asks of the machine it runs on, and what the boot loader said of it. guest/x86 answers
// on bare metal; tests answer in a process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/units.h"
#include "fallow/virtio/transport/transport.h"
#include "guest/protocol/string_ref.h"

namespace fallow::guest {

// Guest-physical, in bytes; any alignment.
struct MemoryRange {
  std::uint64_t begin = 0, end = 0;
};

// Read once at the start; what it points to stays.
struct BootFacts {
  StringRef loader;                     // "pvh", "multiboot2"
  StringRef command_line;               // as it was given
  std::span<const MemoryRange> usable;  // ascending, disjoint
  std::span<const MemoryRange> taken;   // the image, tables, modules: inside `usable` or not, any order
  std::span<const std::byte> module;    // the first boot module; empty: there is none
  std::uint32_t cpus = 1;               // running, or about to
};

class Machine {
 public:
  // Monotonic, since an unspecified point; the same on every CPU. Any CPU.
  virtual Nanoseconds now() noexcept = 0;
  // Pauses the CPU for a moment. Any CPU.
  virtual void relax() noexcept = 0;
  // The number of this CPU, from 0.
  virtual std::uint32_t cpu() noexcept = 0;
  // Sleeps until `deadline`, an interrupt of the device, or wake(); returns at once if either came since the
  // last wait() of this CPU. The device interrupts CPU 0.
  virtual void wait(Nanoseconds deadline) noexcept = 0;
  // Ends the wait of CPU `cpu`. Any CPU.
  virtual void wake(std::uint32_t cpu) noexcept = 0;

  // Has the transport make the calls (DeviceCalls) for the interrupts that came, on this CPU, now. Costs a
  // load when none came. For one CPU at a time, and not from within such a call.
  virtual void serve_device() noexcept = 0;

  // To the serial line; whole, whatever other CPUs write. Any CPU.
  virtual void write(StringRef text) noexcept = 0;

  // Where a guest-physical address is mapped: the whole of `usable` is.
  virtual std::byte* at(GuestPhys address) noexcept = 0;

 protected:
  ~Machine() = default;
};

// The balloon that was found, and the words that tell of it.
struct FoundDevice {
  Transport* transport = nullptr;  // null: none was found
  StringRef bus;                   // "pci", "mmio"
  char place[24] = {};             // "00:03.0", "0xfeb00e00"
  StringRef interrupts;            // "msi-x", "intx", "line"; "none": the device is asked
};

}  // namespace fallow::guest
