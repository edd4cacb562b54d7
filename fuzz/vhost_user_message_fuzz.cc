// Fuzzes the bytes and descriptors of a vhost-user front-end in pieces of any size. The first byte is the
// size of the pieces; the second selects the pieces that carry descriptors.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "tests/support/vhost_front_end.h"
#include "vhost_user/session/connection.h"
#include "vhost_user/session/message.h"

namespace fallow {
namespace {

void check(const vhost::State& state) {
  const vhost::Message message(state);
  FALLOW_CHECK(message.size() == state.where().have);
  FALLOW_CHECK(message.size() <= sizeof state.message);
  FALLOW_CHECK(message.payload().size() + sizeof(vhost::Header) == message.size());
  for (const int fd : message.fds()) FALLOW_CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  const vhost::RequestRule* const rule = message.rule();
  if (rule == nullptr) return;
  FALLOW_CHECK(message.payload().size() >= rule->min_size && message.payload().size() <= rule->max_size);
}

void drop_descriptors(const vhost::State& state) {
  for (std::uint8_t i = 0; i < state.fd_count(); ++i) {
    if (state.fds[i] >= 0) close(state.fds[i]);
  }
}

// Replies as if each message was handled.
bool receive_all(vhost::State& state, vhost::ErrorText& error) {
  vhost::Connection connection(state);
  while (true) {
    const auto received = connection.receive(error);
    FALLOW_CHECK((received == vhost::Connection::Received::Broken) == !error.empty());
    if (received != vhost::Connection::Received::Message)
      return received == vhost::Connection::Received::Partial;
    check(state);
    drop_descriptors(state);
    state.go({});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const int probe = dup(0);
  const std::size_t piece = std::max<std::size_t>(data[0], 1);
  const unsigned with = data[1];
  auto state = std::make_unique<vhost::State>();
  {
    VhostFrontEnd front;
    vhost::begin_connection(*state, front.take_other());
    vhost::ErrorText error;
    std::size_t at = 2;
    for (unsigned n = 0; at < size; ++n) {
      const std::size_t bytes = std::min(piece, size - at);
      std::vector<int> fds;
      if (with != 0 && n % 8 == with % 8) {
        for (unsigned i = 0; i < with / 3; ++i) fds.push_back(dup(front.socket()));
      }
      FALLOW_CHECK(front.send_bytes(std::as_bytes(std::span(data + at, bytes)), std::move(fds)));
      at += bytes;
      if (!receive_all(*state, error)) break;
    }
    drop_descriptors(*state);
    close(state->socket);
  }
  close(probe);
  // The lowest descriptor number is free again: no descriptor was leaked.
  const int again = dup(0);
  FALLOW_CHECK(again == probe);
  close(again);
  return 0;
}

}  // namespace fallow
