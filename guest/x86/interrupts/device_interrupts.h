// The interrupts of the balloon device. The handler records the causes and wakes CPU 0; the CPU that serves
// the device delivers them.
#pragma once

#include <cstdint>

#include "fallow/virtio/transport/pci_transport.h"
#include "guest/protocol/text.h"
#include "guest/x86/discovery/topology.h"
#include "guest/x86/processors.h"

namespace fallow::guest::x86 {

class DeviceInterrupts {
 public:
  // Set up the interrupts of an open transport. Call one of these, once for a device, on CPU 0. `named` is
  // the line from the firmware (255: none) or the command line. Return the description for
  // FoundDevice::interrupts.
  StringRef by_messages_or_pic(Processors& cpus, PciTransport& transport, std::uint8_t named) noexcept;
  StringRef by_io_apic(Processors& cpus, detail::InterruptingTransport& transport, const Topology& topology,
                       std::uint32_t named) noexcept;

  // Detaches a device that by_messages_or_pic() attached and that has been reset, so that another can be
  // attached. Called on CPU 0.
  void release() noexcept;

  // Delivers the pending causes. One CPU at a time.
  void serve() noexcept;

  // True if the device has no interrupt or its line is stuck. serve() then polls the device, so waits must be
  // short. Any CPU may call.
  bool polled() const noexcept;

 private:
  void start(Processors& cpus, detail::InterruptingTransport& transport) noexcept;

  detail::InterruptingTransport* transport_ = nullptr;
};

}  // namespace fallow::guest::x86
