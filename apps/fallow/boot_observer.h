// Who wants to know how a guest in QEMU goes on.
#pragma once

#include <string_view>

#include "apps/fallow/boot_event.h"
#include "apps/fallow/boot_measure.h"

namespace fallow {

// Called by the thread that runs the session.
class BootObserver {
 public:
  virtual ~BootObserver() = default;
  virtual void sample(const BootSample& sample) = 0;
  virtual void event(Nanoseconds time, const GuestEvent& event) = 0;
  // Each line of the serial line, as it came; and each that QEMU wrote to standard error.
  virtual void serial_line(std::string_view line) = 0;
  virtual void qemu_line(std::string_view line) = 0;
};

}  // namespace fallow
