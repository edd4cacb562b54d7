// A Linux guest in a fetched QEMU with emulation, with either the generic vhost-user device, which `fallow
// serve` serves, or QEMU's own balloon.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/e2e/guest_process.h"

namespace fallow {

struct QemuOptions {
  unsigned cpus = 1;
  // Socket of `fallow serve`; empty for QEMU's own balloon with free page reporting.
  std::string socket{};
  // Additional device properties, each preceded by a comma.
  std::string properties{};
  unsigned queues = 5, queue_size = 256;
};

class QemuGuest : public GuestProcess {
 public:
  // True if QEMU and its kernel were fetched (tools/fetch-guests) and busybox is installed.
  static bool available();

  // Boots a machine of 1 GiB, whose memory is a memfd, and waits for its shell. On a timeout fails the test
  // and returns null.
  static std::unique_ptr<QemuGuest> boot(const QemuOptions& options);
  // Like boot(), without waiting. Call booted() next.
  static std::unique_ptr<QemuGuest> launch(const QemuOptions& options);
  ~QemuGuest() override;

  // Loads the balloon driver and its dependencies. Call after each boot.
  GuestAnswer load_balloon();

  // Executes a QMP command and returns its result. On failure fails the test and returns null.
  nlohmann::json qmp(const std::string& command);

  // The standard error output of QEMU.
  std::string errors() const { return read_file(errors_path()); }

 private:
  QemuGuest() = default;
  std::string errors_path() const { return folder_.path("errors"); }
  std::string monitor_path() const { return folder_.path("qmp"); }
  // Returns the next line of the monitor, or empty after 10 s.
  std::string monitor_line();

  int monitor_ = -1;
  std::string monitor_said_;
};

}  // namespace fallow
