#include "cli/control/control_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

namespace fallow::cli {
namespace {

constexpr timeval kTimeout{.tv_sec = 5, .tv_usec = 0};

std::string why_not(int error) {
  switch (error) {
    case ENOENT:
      return "there is no such socket; expected the --control of 'fallow serve', or its first "
             "--socket with .ctl appended";
    case ECONNREFUSED:
      return "no process listens on this socket; a daemon left it behind";
    case EACCES:
      return "permission denied; only root and the daemon's user may control it";
    case ENOTSOCK:
    case EPROTOTYPE:
      return "this is not a control socket";
    case EAGAIN:
      return "the daemon accepts no connections; it may hang";
    default:
      return std::strerror(error);
  }
}

// Parses an answer. Returns false if the line is not an answer.
bool understand(const std::string& line, ControlReply* reply) {
  const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object() || !object.contains("ok") || !object["ok"].is_boolean()) return false;
  reply->ok = object["ok"].get<bool>();
  if (const auto error = object.find("error"); error != object.end() && error->is_string())
    reply->error = error->get<std::string>();
  if (const auto warning = object.find("warning"); warning != object.end() && warning->is_string())
    reply->warning = warning->get<std::string>();
  if (const auto guests = object.find("guests"); guests != object.end() && guests->is_array())
    for (const nlohmann::json& guest : *guests) reply->guests.push_back(read_figures(guest));
  reply->line = line;
  return true;
}

}  // namespace

Expected<ControlClient> ControlClient::connect(const std::string& path) {
  const auto refuse = [&path](const std::string& why) {
    return fmt::format("no daemon answers at {}: {}", path, why);
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return refuse(fmt::format("the path of a socket has at most {} bytes", sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.data(), path.size());

  const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0) return refuse(std::strerror(errno));
  std::unique_ptr<ControlClient> client(new ControlClient(file, path));
  // These also bound connect(), which waits while the daemon's backlog is full.
  if (setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof kTimeout) != 0 ||
      setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof kTimeout) != 0)
    return refuse(std::strerror(errno));
  if (::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return refuse(why_not(errno));
  return client;
}

ControlClient::~ControlClient() { close(file_); }

std::optional<ControlReply> ControlClient::ask(const ControlRequest& request, std::string* error) {
  const auto line = send_all(write_request(request) + "\n") ? receive_line() : std::nullopt;
  if (!line) {
    *error = errno == EAGAIN ? fmt::format("the daemon at {} does not answer", path_)
                             : fmt::format("the daemon at {} has ended", path_);
    return {};
  }
  ControlReply reply;
  if (understand(*line, &reply)) return reply;
  *error = fmt::format("the process at {} is not a fallow daemon; it answered '{:.60}'", path_, *line);
  return {};
}

// Returns false on failure, with errno set.
bool ControlClient::send_all(const std::string& line) {
  std::size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t count = send(file_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

// Returns nothing on failure, with errno set; EPIPE at the end of the stream.
std::optional<std::string> ControlClient::receive_line() {
  constexpr std::size_t kLongest = std::size_t{16} << 20;
  std::string line;
  std::array<char, 65536> piece{};
  while (line.size() < kLongest) {
    const ssize_t count = recv(file_, piece.data(), piece.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = EPIPE;
    if (count <= 0) return {};
    line.append(piece.data(), static_cast<std::size_t>(count));
    if (line.back() != '\n') continue;
    line.pop_back();
    return line;
  }
  errno = EMSGSIZE;
  return {};
}

}  // namespace fallow::cli
