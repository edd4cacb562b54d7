#include "cli/control/metrics_address.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

using Found = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

struct HostAndPort {
  std::string host, port;
};

std::optional<HostAndPort> split(const std::string& text) {
  constexpr std::uint64_t kLastPort = 65535;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {};
  const auto port = parse_count(std::string_view(text).substr(colon + 1));
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!port || *port > kLastPort || host.empty()) return {};
  return HostAndPort{host, std::to_string(*port)};
}

// Returns nothing on failure, with errno set.
std::optional<UniqueFd> listen_at(const addrinfo& at) {
  UniqueFd file(socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!file) return {};
  const int on = 1;
  // Allows the port to be reused while old connections are in TIME_WAIT.
  setsockopt(file.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(file.get(), at.ai_addr, at.ai_addrlen) != 0 || listen(file.get(), SOMAXCONN) != 0) return {};
  return file;
}

std::string numbers_of(const addrinfo& at, const std::string& port) {
  char host[NI_MAXHOST] = "?";
  getnameinfo(at.ai_addr, at.ai_addrlen, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  return (at.ai_family == AF_INET6 ? fmt::format("[{}]:", host) : fmt::format("{}:", host)) + port;
}

}  // namespace

std::optional<UniqueFd> listen_for_metrics(const std::string& address_and_port, std::string* error) {
  error->clear();
  const std::optional<HostAndPort> wanted = split(address_and_port);
  if (!wanted) {
    *error =
        fmt::format("'{}': expected ADDRESS:PORT, such as 127.0.0.1:9105 or [::1]:9105", address_and_port);
    return {};
  }
  addrinfo hints{}, *first = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const int failed = getaddrinfo(wanted->host.c_str(), wanted->port.c_str(), &hints, &first);
  if (failed != 0) {
    *error = fmt::format("{}: cannot resolve '{}': {}", address_and_port, wanted->host,
                         failed == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(failed));
    return {};
  }
  const Found found(first, freeaddrinfo);
  std::string errors;
  for (const addrinfo* at = first; at != nullptr; at = at->ai_next) {
    if (auto file = listen_at(*at)) return file;
    const int reason = errno;
    errors += fmt::format("{}cannot listen at {}: {}", errors.empty() ? "" : "; ",
                          numbers_of(*at, wanted->port), std::strerror(reason));
  }
  *error = fmt::format("{}: {}", address_and_port, errors);
  return {};
}

}  // namespace fallow::cli
