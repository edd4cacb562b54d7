// The sockets that `fallow serve` listens on: those it makes, and those the service manager passes.
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

// A stream socket that listens at a path. Goes with its file, if it made one.
class ListeningSocket {
 public:
  // Makes it, with a file of `mode` and, if one is given, the owner. A socket file that nobody listens on any
  // more is replaced. Nothing, and `error` is a sentence: the path is another file's, or somebody listens
  // there. Not while other threads run: it sets the umask for a moment.
  static std::optional<ListeningSocket> create(const std::string& path, mode_t mode,
                                               std::optional<SocketOwner> owner, std::string* error);
  // Takes one that was passed; its file, if it has one, stays.
  static std::optional<ListeningSocket> take(int file, std::string* error);

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  // Removes the file, unless another one is there by now.
  ~ListeningSocket();

  int file() const { return file_; }
  const std::string& path() const { return path_; }  // empty: it has none

 private:
  ListeningSocket(int file, std::string path) : file_(file), path_(std::move(path)) {}

  int file_;
  std::string path_;
  bool made_ = false;
  dev_t device_ = 0;
  ino_t node_ = 0;
};

// The path that a socket is bound to; empty: none.
std::string path_of_socket(int file);

// What sd_listen_fds(3) describes: the numbers of the descriptors that were passed to this process, and their
// names. Takes the variables out of the environment. An error: they are for this process and make no sense.
struct PassedSocket {
  int file;
  std::string name;
};
std::optional<std::vector<PassedSocket>> take_passed_sockets(std::string* error);

}  // namespace fallow::cli
