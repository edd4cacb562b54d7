// Messages of a vhost-user socket: received whole and with their descriptors, replied to, never waited for.
#pragma once

#include "vhost_user/protocol/error_text.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// One thread at a time. Nothing here blocks, allocates, or reads beyond the end of a message.
class Connection {
 public:
  explicit Connection(State& state) noexcept : state_(state) {}

  enum class Received {
    Message,  // a whole one; the state is Handling
    Partial,  // what there was has been read: wait until the socket is readable
    HungUp,   // the front-end closed the connection, between two messages
    Broken,   // it cannot go on; the complaint says why
  };
  // In the phase Receiving.
  Received receive(ErrorText& complaint) noexcept;

  // Sends the reply of the state, if there is one, and goes on to Receiving. False: the front-end does not
  // read its replies, or is gone. In the phase Finishing.
  bool send_reply(ErrorText& complaint) noexcept;

  // Takes over what the kernel did for a process that died before it could; see for_each_descriptor(). Done
  // by the two above as well.
  void recover() noexcept;

 private:
  bool acceptable(ErrorText& complaint) const noexcept;
  bool receive_some(std::size_t wanted, int& error) noexcept;
  void take_received() noexcept;
  void take_descriptors(Progress& to) noexcept;
  bool called() const noexcept;
  bool call_is_sound() const noexcept;

  State& state_;
};

}  // namespace fallow::vhost
