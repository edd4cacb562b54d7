// Receives the progress of a guest in QEMU.
#pragma once

#include <string_view>

#include "cli/boot/boot_event.h"
#include "cli/boot/boot_measure.h"

namespace fallow::cli {

// Called by the thread that runs the session.
class BootObserver {
 public:
  virtual ~BootObserver() = default;
  virtual void sample(const BootSample& sample) = 0;
  virtual void event(Nanoseconds time, const GuestEvent& event) = 0;
  // Each line from the serial line, unmodified, and each line that QEMU wrote to standard error.
  virtual void serial_line(std::string_view line) = 0;
  virtual void qemu_line(std::string_view line) = 0;
};

}  // namespace fallow::cli
