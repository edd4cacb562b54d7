#include "cli/serve/serve_sockets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

int stream_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

// Creates the socket file with its final mode, so that no peer can connect before the mode is set.
int bind_with_mode(int file, const sockaddr_un& address, mode_t mode) {
  const mode_t before = umask(0777 & ~mode);
  const int result = bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  umask(before);
  errno = error;
  return result;
}

// True if a program listens at the address. The only way to find out is to connect.
bool is_served(const sockaddr_un& address) {
  const int probe = stream_socket();
  const int result = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool refused = result != 0 && errno == ECONNREFUSED;
  close(probe);
  return !refused;
}

// Removes a stale socket. Returns an error text, or empty if the path is now free.
std::string remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat at {};
  if (lstat(path.c_str(), &at) != 0) return {};
  if (!S_ISSOCK(at.st_mode)) return "the path exists and is not a socket";
  if (is_served(address)) return "another program already listens on this socket";
  if (unlink(path.c_str()) != 0)
    return fmt::format("cannot remove the stale socket: {}", std::strerror(errno));
  return {};
}

// Locks the folder, so that no other daemon replaces the same stale socket at the same time. Best effort:
// without the lock the socket is created anyway.
class FolderLock {
 public:
  explicit FolderLock(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    file_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (file_ >= 0 && flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FolderLock() {
    if (file_ >= 0) close(file_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

}  // namespace

std::optional<ListeningSocket> ListeningSocket::create(const std::string& path, mode_t mode,
                                                       std::optional<SocketOwner> owner, std::string* error) {
  const sockaddr_un address = address_of(path);
  const auto failed = [&](const char* what) {
    *error = fmt::format("{}: {}: {}", path, what, std::strerror(errno));
    return std::nullopt;
  };
  ListeningSocket made(stream_socket(), path);
  if (made.file_ < 0) return failed("cannot create a socket");
  const FolderLock lock(path);
  int bound = bind_with_mode(made.file_, address, mode);
  if (bound != 0 && errno == EADDRINUSE) {
    if (const std::string why = remove_stale(path, address); !why.empty()) {
      *error = fmt::format("{}: {}", path, why);
      return {};
    }
    bound = bind_with_mode(made.file_, address, mode);
  }
  if (bound != 0) return failed("cannot bind the socket");
  struct stat at {};
  if (lstat(path.c_str(), &at) != 0) return failed("cannot stat the socket");
  made.made_ = true;
  made.device_ = at.st_dev;
  made.node_ = at.st_ino;
  if (owner && lchown(path.c_str(), owner->user, owner->group) != 0) return failed("cannot change the owner");
  if (listen(made.file_, SOMAXCONN) != 0) return failed("cannot listen");
  return made;
}

std::optional<ListeningSocket> ListeningSocket::take(int file, std::string* error) {
  int domain = 0, type = 0, listens = 0;
  socklen_t size = sizeof(int);
  if (getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 ||
      getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
      getsockopt(file, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || domain != AF_UNIX ||
      type != SOCK_STREAM || listens == 0) {
    *error = fmt::format(
        "descriptor {} from the service manager: expected a Unix stream socket that listens (ListenStream= "
        "and Accept=no)",
        file);
    return {};
  }
  if (fcntl(file, F_SETFD, FD_CLOEXEC) != 0 || fcntl(file, F_SETFL, O_RDWR | O_NONBLOCK) != 0) {
    *error = fmt::format("descriptor {} from the service manager: fcntl: {}", file, std::strerror(errno));
    return {};
  }
  return ListeningSocket(file, path_of_socket(file));
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      path_(std::move(other.path_)),
      made_(std::exchange(other.made_, false)),
      device_(other.device_),
      node_(other.node_) {}

ListeningSocket::~ListeningSocket() {
  struct stat at {};
  if (made_ && lstat(path_.c_str(), &at) == 0 && at.st_dev == device_ && at.st_ino == node_)
    unlink(path_.c_str());
  if (file_ >= 0) close(file_);
}

std::string path_of_socket(int file) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (size <= offsetof(sockaddr_un, sun_path) || address.sun_path[0] == '\0') return {};
  return {address.sun_path, strnlen(address.sun_path, sizeof address.sun_path)};
}

std::optional<std::vector<PassedSocket>> take_passed_sockets(std::string* error) {
  constexpr int kFirst = 3;
  constexpr std::uint64_t kMost = 1024;
  const auto taken = [](const char* name) {
    const char* const value = std::getenv(name);
    std::string text = value == nullptr ? "" : value;
    unsetenv(name);
    return text;
  };
  const std::string process = taken("LISTEN_PID"), count_word = taken("LISTEN_FDS");
  std::string names = taken("LISTEN_FDNAMES");
  std::vector<PassedSocket> passed;
  if (process != std::to_string(getpid())) return passed;  // for another process, or not set
  const auto count = parse_count(count_word);
  if (!count || *count > kMost) {
    *error = fmt::format("LISTEN_FDS '{}': expected a count of sockets", count_word);
    return {};
  }
  for (int i = 0; i < static_cast<int>(*count); ++i) {
    const std::size_t colon = names.find(':');
    passed.push_back({kFirst + i, names.substr(0, colon)});
    names = colon == std::string::npos ? "" : names.substr(colon + 1);
  }
  return passed;
}

}  // namespace fallow::cli
