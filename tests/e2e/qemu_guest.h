// Linux in a QEMU of the tests' own, emulated: with the generic vhost-user device that `fallow serve` is
// behind, or with QEMU's own balloon.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/e2e/guest_process.h"

namespace fallow {

struct QemuOptions {
  unsigned cpus = 1;
  // Behind which `fallow serve` listens; empty: QEMU's own balloon, with free page reporting.
  std::string socket{};
  // More properties of the device, each with a comma before it.
  std::string properties{};
  unsigned queues = 5, queue_size = 256;
};

class QemuGuest : public GuestProcess {
 public:
  // QEMU and its kernel were fetched (tools/fetch-guests), and busybox is installed.
  static bool available();

  // A machine of 1 GiB, whose memory is a memfd. Returns when its shell is there; null, and the test has
  // failed, if that does not come.
  static std::unique_ptr<QemuGuest> boot(const QemuOptions& options);
  // The same without waiting: booted() is next.
  static std::unique_ptr<QemuGuest> launch(const QemuOptions& options);
  ~QemuGuest() override;

  // Loads the balloon driver and what it needs. After each boot.
  GuestAnswer load_balloon();

  // A command of QEMU's monitor protocol; what it returns, or null and a failure of the test.
  nlohmann::json qmp(const std::string& command);

  // What QEMU wrote to standard error.
  std::string errors() const { return read_file(errors_path()); }

 private:
  QemuGuest() = default;
  std::string errors_path() const { return folder_.path("errors"); }
  std::string monitor_path() const { return folder_.path("qmp"); }
  // Up to the next line of the monitor; empty: none came within 10 s.
  std::string monitor_line();

  int monitor_ = -1;
  std::string monitor_said_;
};

}  // namespace fallow
