// Bounds on connections, so that no peer can lock out the others.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "cli/serve/log/token_bucket.h"

namespace fallow::cli {

// The peer of a connection, from SO_PEERCRED.
struct Peer {
  pid_t process = 0;
  uid_t user = 0;
};

struct ConnectionBounds {
  std::size_t all = 256;                // guests of the whole daemon
  std::size_t socket = 256;             // guests of one socket
  std::size_t user = 192;               // guests of one user
  std::size_t process = 64;             // guests of one front-end process
  double per_second = 16;               // connections of one front-end, after a burst of `process`
  std::chrono::seconds handshake{10};   // from the connection until features are negotiated
  std::chrono::seconds quarantine{60};  // before a front-end whose guest crashed its workers may reconnect
};

// An open connection.
struct ConnectionState {
  using Clock = std::chrono::steady_clock;

  std::uint32_t socket = 0;
  Peer peer;
  Clock::time_point since;
  bool negotiated = false;  // the front-end has negotiated features
  bool leaving = false;     // told to end; no longer counts
};

// Not thread-safe.
class ConnectionLimits {
 public:
  using Clock = ConnectionState::Clock;
  static constexpr std::size_t kNone = ~std::size_t{0};

  struct Verdict {
    std::string refusal;        // empty if the connection is admitted
    std::size_t evict = kNone;  // admitted if this connection, the oldest without a handshake, is closed
  };

  explicit ConnectionLimits(const ConnectionBounds& bounds) : bounds_(bounds) {}

  // Decides whether to admit one more connection. O(connections).
  Verdict admit(std::uint32_t socket, Peer peer, std::span<const ConnectionState> connections,
                Clock::time_point now);

  // The earliest handshake deadline of the connections, or Clock::time_point::max().
  Clock::time_point next_deadline(std::span<const ConnectionState> connections) const;
  bool overdue(const ConnectionState& connection, Clock::time_point now) const {
    return !connection.negotiated && !connection.leaving && connection.since + bounds_.handshake <= now;
  }

  // Refuses the peer for bounds().quarantine, because its guest crashed its workers.
  void quarantine(Peer peer, Clock::time_point now);

  const ConnectionBounds& bounds() const noexcept { return bounds_; }
  // Changes the bounds for connections that come from now on; none that exists is closed.
  void set_bounds(const ConnectionBounds& bounds) noexcept { bounds_ = bounds; }

 private:
  ConnectionBounds bounds_;
  using PeerName = std::pair<pid_t, uid_t>;
  bool connects_too_often(const PeerName& peer, Clock::time_point now);

  std::map<PeerName, Clock::time_point> quarantined_;  // end of each quarantine
  std::map<PeerName, TokenBucket> budgets_;            // only those that are not full
};

}  // namespace fallow::cli
