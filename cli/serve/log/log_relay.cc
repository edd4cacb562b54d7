#include "cli/serve/log/log_relay.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>

namespace fallow::cli {

bool LogRelay::pass_on() {
  std::array<char, 16 << 10> piece{};
  const ssize_t count = read(file_.get(), piece.data(), piece.size());
  if (count <= 0) return count < 0 && (errno == EAGAIN || errno == EINTR);
  part_.append(piece.data(), static_cast<std::size_t>(count));
  std::size_t from = 0;
  for (std::size_t end = 0; (end = part_.find('\n', from)) != std::string::npos; from = end + 1)
    pass_on_line(std::string_view(part_).substr(from, end + 1 - from));
  part_.erase(0, from);
  // No valid line is longer than PIPE_BUF.
  if (part_.size() > PIPE_BUF) {
    ++dropped_;
    part_.clear();
  }
  return true;
}

void LogRelay::pass_on_line(std::string_view line) {
  if (line.size() > PIPE_BUF || !budget_.take(static_cast<double>(line.size()))) {
    ++dropped_;
    return;
  }
  if (dropped_ != 0)
    log_.write(LogLevel::Warning, "left_out",
               fmt::format("{} log lines about a guest were dropped", std::exchange(dropped_, 0)),
               {{"guest", guest_}});
  log_.pass_on(line);
}

}  // namespace fallow::cli
