// Binds the balloon device that was found to its driver and to the reporter of the guest's zones.
#pragma once

#include <cstdint>

#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/reporting/policy_spec.h"
#include "fallow/reporting/reporter.h"
#include "guest/kernel/early_memory.h"
#include "guest/kernel/guest_zones.h"
#include "guest/kernel/machine.h"
#include "guest/kernel/worker.h"
#include "guest/protocol/command_line.h"
#include "guest/protocol/text.h"

namespace fallow::guest {

// All functions run on CPU 0.
class BalloonBinding {
 public:
  BalloonBinding(Machine& machine, Worker& worker, GuestZones& zones, const Options& options,
                 const FoundDevice& device) noexcept;
  BalloonBinding(const BalloonBinding&) = delete;
  BalloonBinding& operator=(const BalloonBinding&) = delete;

  // Bytes that a registration takes from the port's arena.
  static ByteCount arena_size(const Options& options) noexcept;

  // Creates the driver if a device was found. Returns false if memory is short.
  bool create(EarlyMemory& memory) noexcept;

  // Initialises and registers the device, and writes the events. On failure, error_text() gives the reason.
  void bind() noexcept;
  // Unregisters the device, which waits for the requests in flight, and resets it.
  void unbind() noexcept;

  // Writes the event "first_report" once, after the device has taken the first request.
  void write_first_report() noexcept;

  // The reason why nothing is reported. Empty if reporting works, and with policy "none".
  StringRef error_text() const noexcept { return error_text_.text(); }
  // The number of registrations after the first one.
  std::uint64_t rebinds() const noexcept { return binds_ == 0 ? 0 : binds_ - 1; }
  // True while a device is registered.
  bool reporting() const noexcept { return registered_; }
  Policy& policy() noexcept { return *policy_.get(); }
  Reporter& reporter() noexcept { return reporter_; }
  ReportingStats stats() const noexcept { return reporter_.stats(); }

  // True if no free block of the policy's order or larger is unreported. Cost: O(blocks).
  bool all_reported() noexcept;

 private:
  Nanoseconds work() noexcept;
  void write_device_event() noexcept;
  void set_error(StringRef what, Status status) noexcept;

  Machine& machine_;
  Worker& worker_;
  GuestZones& zones_;
  const Options& options_;
  FoundDevice device_;
  ConfiguredPolicy policy_;
  Reporter reporter_;
  BalloonDriver* driver_ = nullptr;
  Sentence error_text_;
  std::uint64_t binds_ = 0;
  bool registered_ = false;
  bool device_written_ = false, first_report_written_ = false;
};

}  // namespace fallow::guest
