// Logs the events of the guests of `fallow serve`.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "cli/serve/log/serve_log.h"
#include "cli/serve/log/token_bucket.h"
#include "vhost_user/daemon/server.h"

namespace fallow::cli {

// Thread-safe. A front-end can cause events at any rate, so the rate of log lines is bounded. Dropped lines
// are counted, and the count is logged when the rate allows.
class ServeEvents : public vhost::ServerEvents {
 public:
  static constexpr unsigned kBurst = 200;  // lines in a burst
  static constexpr unsigned kLinesASecond = 20;

  // `sockets` are the paths, in the order of ServerOptions::listeners.
  ServeEvents(ServeLog& log, std::vector<std::string> sockets) : log_(log), sockets_(std::move(sockets)) {}
  ~ServeEvents() = default;

  void connected(std::uint64_t guest, std::uint32_t socket) noexcept override;
  void resumed(std::uint64_t guest, std::uint32_t socket) noexcept override;
  void disconnected(std::uint64_t guest, const std::string& why) noexcept override;
  void refused(std::uint64_t guest, const std::string& error_text) noexcept override;
  void turned_away(std::uint32_t socket, const std::string& why) noexcept override;
  void guest_event(std::uint64_t guest, Kind kind, const std::string& why) noexcept override;

 private:
  // Returns false if the line was dropped.
  bool write(LogLevel level, const char* event, const std::string& sentence,
             const std::vector<LogField>& fields) noexcept;
  bool room(unsigned* dropped);
  const std::string& path(std::uint32_t socket) const { return sockets_.at(socket); }

  ServeLog& log_;
  const std::vector<std::string> sockets_;
  std::mutex lock_;
  std::set<std::string> not_released_;  // messages already logged
  TokenBucket budget_{kBurst, kLinesASecond};
  unsigned dropped_ = 0;
};

}  // namespace fallow::cli
