// Messages of a vhost-user socket: receives them whole and with their descriptors, and sends replies, without
// ever blocking.
#pragma once

#include "vhost_user/protocol/error_text.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// Not thread-safe. Never blocks, allocates, or reads beyond the end of a message.
class Connection {
 public:
  explicit Connection(State& state) noexcept : state_(state) {}

  enum class Received {
    Message,  // a whole message; the phase is Handling
    Partial,  // the available bytes have been read: wait until the socket is readable
    HungUp,   // the front-end closed the connection between two messages
    Broken,   // the connection cannot continue; the error text says why
  };
  // Requires the phase Receiving.
  Received receive(ErrorText& error_text) noexcept;

  // Sends the reply in the state, if there is one, and enters the phase Receiving. False: the front-end does
  // not read its replies, or is gone. Requires the phase Finishing.
  bool send_reply(ErrorText& error_text) noexcept;

  // Takes over what the kernel did on behalf of a process that died before it could do so itself; see
  // for_each_descriptor(). receive() and send_reply() also do this.
  void recover() noexcept;

 private:
  bool acceptable(ErrorText& error_text) const noexcept;
  bool receive_some(std::size_t wanted, int& error) noexcept;
  void take_received() noexcept;
  void take_descriptors(Progress& to) noexcept;
  bool called() const noexcept;
  bool call_is_sound() const noexcept;

  State& state_;
};

}  // namespace fallow::vhost
