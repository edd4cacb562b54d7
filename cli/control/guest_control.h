// The guests of a daemon, as whoever shows and steers them sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "vhost_user/daemon/balloon_guest.h"

namespace fallow::cli {

// What happened to a daemon's connections, since it was started.
struct DaemonCounts {
  std::uint64_t connections = 0;  // that were accepted
  std::uint64_t turned_away = 0;  // by a limit
  std::uint64_t quarantined = 0;  // guests that ended the workers that served them
};

// Any thread, several at once. Each question waits for the daemon's answer, within bounds; nothing: it did
// not come in time, or the desk is closed.
class GuestControl {
 public:
  virtual ~GuestControl() = default;

  virtual std::optional<std::vector<vhost::GuestSnapshot>> guests() = 0;
  // NotFound: there is no such guest. 0: all guests.
  virtual std::optional<Status> set_target(std::uint64_t guest, PfnCount frames) = 0;
  virtual std::optional<Status> pause(std::uint64_t guest, bool on) = 0;

  virtual DaemonCounts counts() = 0;

  // From now on nobody waits; who does, stops.
  virtual void close() noexcept = 0;
};

}  // namespace fallow::cli
