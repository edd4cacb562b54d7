// A vhost-user session: one front-end, one device.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "vhost_user/protocol/error_text.h"
#include "vhost_user/session/backend.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

enum class [[nodiscard]] VhostOutcome : std::uint8_t{
    Idle,     // nothing to do until the socket is readable
    Done,     // a message was handled: there may be more
    Refused,  // so was this one, with a complaint: there may be more
    Pending,  // the back-end has not finished: step again when it may have; till then, do not look at the
              // socket
    HungUp,   // the front-end closed the connection: close()
    Broken,   // it cannot go on, and the complaint says why: close()
};

// One thread at a time. All that lasts is in the state: a session may be dropped at any time, and another one
// made for the same state, in another process too (VH-1, VH-2).
class Session {
 public:
  // Both must outlive the session. `state` was begun by vhost_begin(), or is one that a process left.
  Session(State& state, Backend& backend) noexcept : state_(state), backend_(backend) {}

  // Receives what there is of a message; handles it, when it is whole, and replies. At most one message, and
  // never waits. O(1), with a copy of the settings (3 KiB).
  VhostOutcome step() noexcept;

  // For a back-end that knows nothing yet, and a state that a process left: tells it all that was negotiated,
  // and starts the rings that were started, from Vring::base: where they had come to since, the back-end must
  // know by itself. Then step() goes on with the message that was at hand. Pending: call again. Anything
  // else: the complaint says what the back-end did not accept, or what of the state cannot be (which closes
  // nothing that it names but the connection); close().
  Status resume() noexcept;

  // Stops the rings, takes back the memory and closes every descriptor. Pending: call again, until Ok.
  Status close() noexcept;

  // Tells the front-end that the configuration changed (CONFIG_CHANGE_MSG). NotFound: it gave no channel for
  // that, or does not know of configurations. Busy: the channel is full. Failed: it is broken.
  Status notify_config_change() noexcept;

  const ErrorText& complaint() const noexcept { return complaint_; }
  // Of the message at hand, or the last one; 0: none yet.
  std::uint32_t request() const noexcept { return request_; }
  const Settings& settings() const noexcept { return state_.settings(); }

 private:
  VhostOutcome handle() noexcept;
  VhostOutcome finish(VhostOutcome outcome) noexcept;
  void close_replaced() noexcept;
  void close_all() noexcept;
  void disown() noexcept;
  Status resume_rings() noexcept;

  State& state_;
  Backend& backend_;
  ErrorText complaint_;
  std::uint32_t request_ = 0;
};

}  // namespace fallow::vhost
