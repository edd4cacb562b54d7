#include "vhost_user/session/connection.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "vhost_user/session/message.h"

namespace fallow::vhost {
namespace {

// The kernel overwrites this value with the number of bytes. recvmmsg and sendmmsg are used for this field
// only: recvmsg would return the number in a register, and the number would be lost if the process died right
// then.
constexpr unsigned kNotCalled = ~0U;

// Like strerror(), but thread-safe.
const char* errno_text(int error) noexcept {
  const char* const text = strerrordesc_np(error);
  return text == nullptr ? "an unknown error" : text;
}

}  // namespace

bool Connection::called() const noexcept { return state_.call.msg_len != kNotCalled; }

Connection::Received Connection::receive(ErrorText& error_text) noexcept {
  recover();
  while (true) {
    const Progress at = state_.where();
    std::size_t total = sizeof(Header);
    if (!acceptable(error_text)) return Received::Broken;
    if (at.have >= total) total = Message(state_).size();
    if (at.have == total) {
      Progress to = at;
      to.phase = Phase::Handling;
      state_.go(to);
      return Received::Message;
    }
    int error = 0;
    if (receive_some(total - at.have, error)) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) return Received::Partial;
    if (error == EINTR) continue;
    // Reset: the front-end closed the connection without reading all replies.
    if (error != 0 && error != ECONNRESET) {
      error_text.set("receiving from the front-end failed: %s", errno_text(error));
      return Received::Broken;
    }
    if (at.have == 0 && at.fds == 0) return Received::HungUp;
    error_text.set(
        "the front-end closed the connection in the middle of a message, after %u of %zu bytes of %s",
        at.have, total, at.have < sizeof(Header) ? "the header" : Message(state_).name());
    return Received::Broken;
  }
}

// Checks the part that has been received.
bool Connection::acceptable(ErrorText& error_text) const noexcept {
  const Progress at = state_.where();
  if (at.fds == Progress::kTooManyFds) {
    error_text.set("a message has more than the allowed %u descriptors", kVhostMaxRegions);
    return false;
  }
  if (at.fds == Progress::kFdsCutOff) {
    error_text.set(
        "descriptors of a message were lost: either there were more than %u, or the limit on open files"
        " (ulimit -n) was reached",
        kVhostMaxRegions);
    return false;
  }
  return at.have < sizeof(Header) || Message(state_).sound(error_text);
}

// Returns true if at least one byte was received. Error 0: the other end is closed.
bool Connection::receive_some(std::size_t wanted, int& error) noexcept {
  Progress at = state_.where();
  iovec into{state_.message + at.have, wanted};
  state_.call = {};
  state_.call.msg_len = kNotCalled;
  msghdr& header = state_.call.msg_hdr;
  header.msg_iov = &into;
  header.msg_iovlen = 1;
  header.msg_control = state_.control;
  header.msg_controllen = sizeof state_.control;
  at.in_call = true;
  state_.go(at);
  const int result = recvmmsg(state_.socket, &state_.call, 1, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, nullptr);
  error = result < 0 ? errno : 0;
  take_received();
  return state_.where().have > at.have;
}

void Connection::recover() noexcept {
  const Progress at = state_.where();
  if (at.in_call && at.phase == Phase::Receiving) take_received();
}

// Returns whether the kernel can have filled in `call` and `control`; a process that died may have left other
// values.
bool Connection::call_is_sound() const noexcept {
  const msghdr& header = state_.call.msg_hdr;
  const std::size_t room =
      sizeof state_.message - std::min(sizeof state_.message, std::size_t{state_.where().have});
  if (state_.call.msg_len > room || header.msg_controllen > sizeof state_.control) return false;
  const std::size_t least = sizeof(cmsghdr);
  for (std::size_t at = 0; header.msg_controllen - at >= least;) {
    cmsghdr part;
    std::memcpy(&part, state_.control + at, sizeof part);
    if (part.cmsg_len < CMSG_LEN(0) || part.cmsg_len > header.msg_controllen - at) return false;
    at += std::min(CMSG_ALIGN(part.cmsg_len), header.msg_controllen - at);
  }
  return true;
}

// Runs exactly once for each call (VH-1).
void Connection::take_received() noexcept {
  Progress to = state_.where();
  to.in_call = false;
  if (called() && !call_is_sound()) {
    to.fds = Progress::kFdsCutOff;
    for (int& fd : state_.fds) fd = -1;
  } else if (called()) {
    to.have = static_cast<std::uint16_t>(to.have + state_.call.msg_len);
    take_descriptors(to);
  }
  state_.go(to);
}

// Closes surplus descriptors at once; Progress::fds records that there were some.
void Connection::take_descriptors(Progress& to) noexcept {
  msghdr header = state_.call.msg_hdr;
  header.msg_control = state_.control;
  bool surplus = to.fds > kVhostMaxRegions;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      if (to.fds < kVhostMaxRegions) {
        state_.fds[to.fds++] = fd;
      } else {
        surplus = true;
        close(fd);
      }
    }
  }
  // These two counts stand for kVhostMaxRegions descriptors and a fault, so missing descriptors are filled
  // with -1.
  if (surplus || (header.msg_flags & MSG_CTRUNC) != 0) {
    for (std::size_t i = to.fds; i < kVhostMaxRegions; ++i) state_.fds[i] = -1;
    to.fds = (header.msg_flags & MSG_CTRUNC) != 0 ? Progress::kFdsCutOff : Progress::kTooManyFds;
  }
}

bool Connection::send_reply(ErrorText& error_text) noexcept {
  Progress at = state_.where();
  const Reply& reply = state_.reply;
  int error = 0;
  if (reply.size != 0 && !(at.in_call && called())) {
    iovec from{const_cast<std::byte*>(reply.bytes), reply.size};
    state_.call = {};
    state_.call.msg_len = kNotCalled;
    msghdr& header = state_.call.msg_hdr;
    header.msg_iov = &from;
    header.msg_iovlen = 1;
    if (reply.fd >= 0) {
      header.msg_control = state_.control;
      header.msg_controllen = CMSG_SPACE(sizeof(int));
      cmsghdr* const part = CMSG_FIRSTHDR(&header);
      *part = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
      std::memcpy(CMSG_DATA(part), &reply.fd, sizeof(int));
    }
    at.in_call = true;
    state_.go(at);
    int result = 0;
    while ((result = sendmmsg(state_.socket, &state_.call, 1, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0 &&
           errno == EINTR) {
    }
    error = result < 0 ? errno : 0;
  }
  if (reply.size != 0 && state_.call.msg_len != reply.size) {
    const bool full = called() || error == EAGAIN || error == EWOULDBLOCK;
    error_text.set("%s: the reply could not be sent: %s", Message(state_).name(),
                   full ? "the front-end does not read its replies" : errno_text(error));
    at.in_call = false;
    state_.go(at);
    return false;
  }
  Progress to;
  to.second = at.second;
  state_.go(to);
  return true;
}

}  // namespace fallow::vhost
