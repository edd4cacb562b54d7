// The balloon that was found, its driver, and the reporter of the guest's zones.
#pragma once

#include <cstdint>

#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/reporting/policies.h"
#include "fallow/reporting/reporter.h"
#include "guest/kernel/early_memory.h"
#include "guest/kernel/guest_zones.h"
#include "guest/kernel/machine.h"
#include "guest/kernel/worker.h"
#include "guest/protocol/command_line.h"
#include "guest/protocol/fixed_string.h"

namespace fallow::guest {

// Everything on CPU 0.
class BalloonBinding {
 public:
  BalloonBinding(Machine& machine, Worker& worker, GuestZones& zones, const Options& options,
                 const FoundDevice& device) noexcept;
  BalloonBinding(const BalloonBinding&) = delete;
  BalloonBinding& operator=(const BalloonBinding&) = delete;

  // Bytes of the port's arena that registering takes.
  static ByteCount arena_size(const Options& options) noexcept;

  // Makes the driver, if there is a device. False: not enough memory.
  bool create(EarlyMemory& memory) noexcept;

  // Initialises the device and registers it, and says so. What is wrong is found in complaint().
  void bind() noexcept;
  // Unregisters, which waits for the requests in flight, and resets the device.
  void unbind() noexcept;

  // Says that the first request was taken, once it was.
  void notice() noexcept;

  // Why nothing is reported; empty when all is well, also with policy "none".
  StringRef complaint() const noexcept { return complaint_.text(); }
  // How often the device was registered after the first time.
  std::uint64_t rebinds() const noexcept { return binds_ == 0 ? 0 : binds_ - 1; }
  // What is free gets reported.
  bool reporting() const noexcept { return registered_; }
  Policy& policy() noexcept { return *policy_; }
  Reporter& reporter() noexcept { return reporter_; }
  ReportingStats stats() const noexcept { return reporter_.stats(); }

  // Whether nothing is left that the policy's order could report: O(blocks).
  bool all_reported() noexcept;

 private:
  Nanoseconds work() noexcept;
  void say_device() noexcept;
  void blame(StringRef what, Status status) noexcept;

  Machine& machine_;
  Worker& worker_;
  GuestZones& zones_;
  const Options& options_;
  FoundDevice device_;
  HwmPolicy hwm_;
  LinuxPolicy linux_;
  AgedPolicy aged_;
  Policy* policy_ = nullptr;
  Reporter reporter_;
  BalloonDriver* driver_ = nullptr;
  Sentence complaint_;
  std::uint64_t binds_ = 0;
  bool registered_ = false;
  bool device_said_ = false, first_report_said_ = false;
};

}  // namespace fallow::guest
