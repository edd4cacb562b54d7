// The sockets that `fallow serve` listens on: created ones, and those that the service manager passes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace fallow::cli {

struct SocketOwner {
  uid_t user = 0;
  gid_t group = 0;
};

// A listening Unix stream socket. Removes its file on destruction if it created one.
class ListeningSocket {
 public:
  // Creates a socket file with `mode` and, if given, `owner`. Replaces a stale socket file. Fails, and sets
  // `error`, if the path is another file or a program listens on it. Not thread-safe, because it changes the
  // umask.
  static std::optional<ListeningSocket> create(const std::string& path, mode_t mode,
                                               std::optional<SocketOwner> owner, std::string* error);
  // Takes a socket that was passed. Its file, if any, is not removed.
  static std::optional<ListeningSocket> take(int file, std::string* error);

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  // Removes the file that create() made, unless another file has replaced it.
  ~ListeningSocket();

  int file() const { return file_; }
  const std::string& path() const { return path_; }  // empty if unnamed

 private:
  ListeningSocket(int file, std::string path) : file_(file), path_(std::move(path)) {}

  int file_;
  std::string path_;
  bool made_ = false;
  dev_t device_ = 0;
  ino_t node_ = 0;
};

// Returns the path that a socket is bound to, or empty.
std::string path_of_socket(int file);

// Returns the descriptors passed to this process and their names, as described in sd_listen_fds(3). Removes
// the variables from the environment. Fails if the variables are for this process but invalid.
struct PassedSocket {
  int file;
  std::string name;
};
std::optional<std::vector<PassedSocket>> take_passed_sockets(std::string* error);

}  // namespace fallow::cli
