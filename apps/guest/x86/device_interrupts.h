// How the one device that matters interrupts: its handler notes why, CPU 0 wakes, and whoever serves it
// delivers.
#pragma once

#include <cstdint>

#include "apps/guest/text.h"
#include "apps/guest/x86/processors.h"
#include "apps/guest/x86/topology.h"
#include "fallow/virtio/pci_transport.h"

namespace fallow::guest::x86 {

class DeviceInterrupts {
 public:
  // The transport is open. One of these, once for a device, on CPU 0; what comes back is the word for it.
  // `named`: the line that the firmware (255: none) or the command line says.
  Text by_messages_or_pic(Processors& cpus, PciTransport& transport, std::uint8_t named) noexcept;
  Text by_io_apic(Processors& cpus, InterruptingTransport& transport, const Topology& topology,
                  std::uint32_t named) noexcept;

  // After by_messages_or_pic(), once the device is reset: it is not asked any more, and another may take its
  // place. CPU 0.
  void release() noexcept;

  // Makes the calls for what came. One CPU at a time.
  void serve() noexcept;

  // No interrupt comes, or too many that nobody claims: serve() asks the device each time, and nobody should
  // wait for long. Any CPU.
  bool polled() const noexcept;

 private:
  void start(Processors& cpus, InterruptingTransport& transport) noexcept;

  InterruptingTransport* transport_ = nullptr;
};

}  // namespace fallow::guest::x86
