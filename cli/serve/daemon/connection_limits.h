// Who may have how many guests, so that nobody's connections lock everybody else out.
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

// At the other end of a connection, as the kernel says (SO_PEERCRED).
struct Peer {
  pid_t process = 0;
  uid_t user = 0;
};

struct ConnectionBounds {
  std::size_t all = 256;                // guests of the daemon
  std::size_t socket = 256;             // of one socket
  std::size_t user = 192;               // of one user
  std::size_t process = 64;             // of one front-end
  double per_second = 16;               // connections of one front-end, after as many at once as it may have
  std::chrono::seconds handshake{10};   // from the connection until features are negotiated
  std::chrono::seconds quarantine{60};  // before a front-end whose guest ended its workers may connect again
};

// A connection that there is.
struct ConnectionState {
  using Clock = std::chrono::steady_clock;

  std::uint32_t socket = 0;
  Peer peer;
  Clock::time_point since;
  bool negotiated = false;  // the front-end said more than nothing
  bool leaving = false;     // it was told to end, and counts no more
};

// One thread.
class ConnectionLimits {
 public:
  using Clock = ConnectionState::Clock;
  static constexpr std::size_t kNone = ~std::size_t{0};

  struct Verdict {
    std::string refusal;        // empty: it may stay
    std::size_t evict = kNone;  // if this connection goes, which is the oldest of those that said nothing
  };

  explicit ConnectionLimits(const ConnectionBounds& bounds) : bounds_(bounds) {}

  // Whether one more connection may stay. O(connections).
  Verdict admit(std::uint32_t socket, Peer peer, std::span<const ConnectionState> connections,
                Clock::time_point now);

  // When the first of the connections has had its time for the handshake; Clock::time_point::max(): none.
  Clock::time_point next_deadline(std::span<const ConnectionState> connections) const;
  bool overdue(const ConnectionState& connection, Clock::time_point now) const {
    return !connection.negotiated && !connection.leaving && connection.since + bounds_.handshake <= now;
  }

  // The peer's guest ended the workers that served it.
  void quarantine(Peer peer, Clock::time_point now);

  const ConnectionBounds& bounds() const noexcept { return bounds_; }

 private:
  const ConnectionBounds bounds_;
  using PeerName = std::pair<pid_t, uid_t>;
  bool comes_too_often(const PeerName& peer, Clock::time_point now);

  std::map<PeerName, Clock::time_point> quarantined_;  // until when
  std::map<PeerName, TokenBucket> budgets_;            // of those that are not full
};

}  // namespace fallow::cli
