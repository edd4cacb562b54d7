// A vhost-user session: one front-end, one device.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "vhost_user/protocol/error_text.h"
#include "vhost_user/session/backend.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

enum class [[nodiscard]] SessionOutcome : std::uint8_t{
    Idle,     // nothing to do until the socket is readable
    Done,     // a message was handled; more may be waiting
    Refused,  // a message was refused, with an error text; more may be waiting
    Pending,  // the back-end is still working: step again when it may be done; do not poll the socket until
              // then
    HungUp,   // the front-end closed the connection: call close()
    Broken,   // the connection cannot continue, and the error text says why: call close()
};

// Not thread-safe. All lasting data is in the state: a session may be dropped at any time, and another
// session created for the same state, in another process too (VH-1, VH-2).
class Session {
 public:
  // Both must outlive the session. `state` was initialised by begin_connection(), or was left by another
  // process.
  Session(State& state, Backend& backend) noexcept : state_(state), backend_(backend) {}

  // Receives the available part of a message; once the message is whole, handles it and replies. Handles at
  // most one message and never blocks. O(1), plus a copy of the settings (3 KiB).
  SessionOutcome step() noexcept;

  // Brings a new back-end up to date with a state that another process left: passes on everything that was
  // negotiated, and starts the rings that were started, from Vring::base. The back-end itself must know how
  // far each ring has come since. Afterwards step() continues with the message under way. Pending: call
  // again. Any other error: the error text says what the back-end refused, or which part of the state is
  // impossible; call close(). For an impossible state, close() closes only the connection and none of the
  // other descriptors that the state names.
  Status resume() noexcept;

  // Stops the rings, returns the memory and closes every descriptor. Pending: call again, until Ok.
  Status close() noexcept;

  // Tells the front-end that the configuration changed (CONFIG_CHANGE_MSG). NotFound: the front-end gave no
  // channel for that, or did not negotiate CONFIG. Busy: the channel is full. Failed: the channel is broken.
  Status notify_config_change() noexcept;

  const ErrorText& error_text() const noexcept { return error_text_; }
  // The request of the current message, or of the last one; 0: none yet.
  std::uint32_t request() const noexcept { return request_; }
  const Settings& settings() const noexcept { return state_.settings(); }

 private:
  SessionOutcome handle() noexcept;
  SessionOutcome finish(SessionOutcome outcome) noexcept;
  void close_replaced() noexcept;
  void close_all() noexcept;
  void disown() noexcept;
  Status resume_rings() noexcept;

  State& state_;
  Backend& backend_;
  ErrorText error_text_;
  std::uint32_t request_ = 0;
};

}  // namespace fallow::vhost
