// The interface through which servers read and control a daemon's guests.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "vhost_user/daemon/balloon_guest.h"

namespace fallow::cli {

// Counts of a daemon's connections since it started.
struct DaemonCounts {
  std::uint64_t connections = 0;  // accepted
  std::uint64_t turned_away = 0;  // refused or closed by a limit
  std::uint64_t quarantined = 0;  // guests whose workers died repeatedly
};

// Thread-safe. Each call waits for the daemon's answer for a bounded time. Returns nothing if the answer is
// late or the object is closed.
class GuestControl {
 public:
  virtual ~GuestControl() = default;

  virtual std::optional<std::vector<vhost::GuestSnapshot>> guests() = 0;
  // Guest 0 means all guests. NotFound: no such guest.
  virtual std::optional<Status> set_target(std::uint64_t guest, PfnCount frames) = 0;
  virtual std::optional<Status> pause(std::uint64_t guest, bool on) = 0;

  virtual DaemonCounts counts() = 0;

  // Ends all waiting calls; later calls do not wait.
  virtual void close() noexcept = 0;
};

}  // namespace fallow::cli
