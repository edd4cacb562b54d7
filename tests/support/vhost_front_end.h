// A front-end for tests: sends any message, valid or not, and reads the replies.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "fallow/base/check.h"
#include "vhost_user/protocol/wire.h"

namespace fallow {

using Bytes = std::vector<std::byte>;

// Does not use insert(), for which g++ 12 reports false overflows at -O3.
inline void append(Bytes& all, const void* from, std::size_t size) {
  const std::size_t at = all.size();
  all.resize(at + size);
  if (size != 0) std::memcpy(&all[at], from, size);
}

template <class... Ts>
Bytes bytes_of(const Ts&... values) {
  Bytes all;
  (append(all, &values, sizeof values), ...);
  return all;
}

class VhostFrontEnd {
 public:
  VhostFrontEnd() {
    int ends[2] = {-1, -1};
    FALLOW_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    socket_ = ends[0];
    other_ = ends[1];
  }
  // Takes a connected socket.
  explicit VhostFrontEnd(int socket) : socket_(socket) {}
  ~VhostFrontEnd() { hang_up(); }
  VhostFrontEnd(const VhostFrontEnd&) = delete;
  VhostFrontEnd& operator=(const VhostFrontEnd&) = delete;

  // Switches to another connection.
  void connect(int socket) {
    hang_up();
    socket_ = socket;
  }

  // Returns the back-end's end; the caller closes it.
  int take_other() { return std::exchange(other_, -1); }
  int socket() const { return socket_; }
  void hang_up() {
    if (socket_ >= 0) close(socket_);
    if (other_ >= 0) close(other_);
    socket_ = other_ = -1;
  }

  static Bytes message(std::uint32_t request, const Bytes& payload, std::uint32_t flags) {
    Bytes all = bytes_of(vhost::Header{request, flags, static_cast<std::uint32_t>(payload.size())});
    append(all, payload.data(), payload.size());
    return all;
  }

  // Closes the descriptors after sending them. False: the socket is full or closed.
  bool send_bytes(std::span<const std::byte> bytes, std::vector<int> fds = {}) {
    iovec from{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &from;
    header.msg_iovlen = 1;
    std::vector<std::byte> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty()) {
      header.msg_control = control.data();
      header.msg_controllen = control.size();
      cmsghdr* const part = CMSG_FIRSTHDR(&header);
      part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      std::memcpy(CMSG_DATA(part), fds.data(), fds.size() * sizeof(int));
    }
    const ssize_t sent = sendmsg(socket_, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    for (const int fd : fds) close(fd);
    return sent == static_cast<ssize_t>(bytes.size());
  }

  bool send(vhost::Request request, const Bytes& payload = {}, std::vector<int> fds = {},
            std::uint32_t flags = vhost::kVhostVersion) {
    return send_bytes(message(static_cast<std::uint32_t>(request), payload, flags), std::move(fds));
  }

  struct Reply {
    vhost::Header header;
    Bytes payload;
    int fd = -1;
    std::uint64_t u64() const {
      std::uint64_t value = ~std::uint64_t{0};
      if (payload.size() == sizeof value) std::memcpy(&value, payload.data(), sizeof value);
      return value;
    }
  };
  // Returns nothing if no reply has arrived.
  std::optional<Reply> reply() {
    Reply got;
    alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))];
    iovec into{&got.header, sizeof got.header};
    msghdr header{};
    header.msg_iov = &into;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    if (recvmsg(socket_, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof got.header) return {};
    if (const cmsghdr* part = CMSG_FIRSTHDR(&header)) std::memcpy(&got.fd, CMSG_DATA(part), sizeof got.fd);
    got.payload.resize(got.header.size);
    if (!got.payload.empty()) {
      FALLOW_CHECK(recv(socket_, got.payload.data(), got.payload.size(), MSG_DONTWAIT) ==
                   static_cast<ssize_t>(got.payload.size()));
    }
    return got;
  }

  static int memory() { return memfd_create("guest", MFD_CLOEXEC); }
  static int event() { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

 private:
  int socket_ = -1, other_ = -1;
};

// Numbers of the descriptors that the process has open; detects every descriptor that was opened and not
// closed.
inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

}  // namespace fallow
