// A listening socket with a path, and a client that sends arbitrary text.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string>

#include "tests/support/scratch_folder.h"

namespace fallow {

inline sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return address;
}

class ListeningPath {
 public:
  ListeningPath() {
    file_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = unix_address(path_);
    EXPECT_EQ(bind(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(file_, 64), 0);
  }
  ~ListeningPath() { close_file(); }
  ListeningPath(const ListeningPath&) = delete;
  ListeningPath& operator=(const ListeningPath&) = delete;

  void close_file() {
    if (file_ >= 0) close(file_);
    file_ = -1;
  }
  int file() const { return file_; }
  const std::string& path() const { return path_; }

 private:
  ScratchFolder folder_;
  std::string path_ = folder_.path("control");
  int file_ = -1;
};

class RawClient {
 public:
  explicit RawClient(const std::string& path) : file_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = unix_address(path);
    EXPECT_EQ(connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(file_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool say(const std::string& text) {
    return send(file_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  void end_of_words() { shutdown(file_, SHUT_WR); }

  // Returns a line without its newline; empty if none arrived in time, or the peer has closed.
  std::string hear(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    while (heard_.find('\n') == std::string::npos)
      if (!read_more(limit)) return {};
    const std::size_t end = heard_.find('\n');
    const std::string line = heard_.substr(0, end);
    heard_.erase(0, end + 1);
    return line;
  }
  // Whether the peer closed without sending more.
  bool closed(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    return heard_.empty() && !read_more(limit) && gone_;
  }

 private:
  bool read_more(std::chrono::milliseconds limit) {
    pollfd file = {file_, POLLIN, 0};
    if (poll(&file, 1, static_cast<int>(limit.count())) != 1) return false;
    std::array<char, 65536> piece{};
    const ssize_t count = recv(file_, piece.data(), piece.size(), 0);
    gone_ = count <= 0;
    if (count > 0) heard_.append(piece.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  int file_;
  std::string heard_;
  bool gone_ = false;
};

}  // namespace fallow
