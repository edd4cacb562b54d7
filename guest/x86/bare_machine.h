// Implements Machine on bare metal, from the parts in this folder.
#pragma once

#include <cstdint>

#include "guest/kernel/machine.h"
#include "guest/x86/clock.h"
#include "guest/x86/interrupts/device_interrupts.h"
#include "guest/x86/processors.h"
#include "guest/x86/serial.h"

namespace fallow::guest::x86 {

class BareMachine final : public Machine {
 public:
  Serial serial;
  Clock clock;
  Processors processors;
  DeviceInterrupts device;

  // Installs the handlers of the interrupts that wake a CPU. Called once, on CPU 0.
  void start_waking() noexcept;

  Nanoseconds now() noexcept override;
  void relax() noexcept override;
  std::uint32_t cpu() noexcept override;
  void wait(Nanoseconds deadline) noexcept override;
  void wake(std::uint32_t cpu) noexcept override;
  void serve_device() noexcept override;
  void write(StringRef text) noexcept override;
  std::byte* at(GuestPhys address) noexcept override;
};

}  // namespace fallow::guest::x86
