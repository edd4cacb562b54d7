// How the one device that matters interrupts: its handler notes why, CPU 0 wakes, and whoever serves it
// delivers.
#pragma once

#include <cstdint>

#include "fallow/virtio/transport/pci_transport.h"
#include "guest/protocol/string_ref.h"
#include "guest/x86/discovery/topology.h"
#include "guest/x86/processors.h"

namespace fallow::guest::x86 {

class DeviceInterrupts {
 public:
  // The transport is open. One of these, once for a device, on CPU 0; what comes back is the word for it.
  // `named`: the line that the firmware (255: none) or the command line says.
  StringRef by_messages_or_pic(Processors& cpus, PciTransport& transport, std::uint8_t named) noexcept;
  StringRef by_io_apic(Processors& cpus, detail::InterruptingTransport& transport, const Topology& topology,
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
  void start(Processors& cpus, detail::InterruptingTransport& transport) noexcept;

  detail::InterruptingTransport* transport_ = nullptr;
};

}  // namespace fallow::guest::x86
