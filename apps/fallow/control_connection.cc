#include "apps/fallow/control_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace fallow {

ControlConnection::ControlConnection(int file, const ControlLimits& limits)
    : file_(file), limits_(limits), since_(Clock::now()) {}

ControlConnection::~ControlConnection() { close(file_); }

short ControlConnection::wanted() const {
  if (!out_.empty()) return POLLOUT;
  return eof_ ? short{0} : short{POLLIN};
}

void ControlConnection::work(short ready) {
  if (!out_.empty() && (ready & (POLLOUT | POLLHUP | POLLERR)) != 0) write_more();
  if (out_.empty() && !eof_ && (ready & (POLLIN | POLLHUP | POLLERR)) != 0) read_more();
}

void ControlConnection::read_more() {
  std::array<char, 4096> piece{};
  const ssize_t count = recv(file_, piece.data(), piece.size(), 0);
  if (count < 0) {
    broken_ = errno != EAGAIN && errno != EINTR;
    return;
  }
  if (count == 0) {
    eof_ = true;
    // A last line need not have an end.
    if (!in_.empty() && in_.back() != '\n') in_ += '\n';
    return;
  }
  if (in_.empty()) since_ = Clock::now();
  in_.append(piece.data(), static_cast<std::size_t>(count));
}

bool ControlConnection::has_request() const {
  return out_.empty() && !closing_ && !broken_ && in_.find('\n') <= limits_.line;
}

std::optional<std::string> ControlConnection::take_request() {
  if (!has_request()) return {};
  const std::size_t end = in_.find('\n');
  std::string line = in_.substr(0, end);
  in_.erase(0, end + 1);
  since_ = Clock::now();
  return line;
}

bool ControlConnection::too_long() const {
  return out_.empty() && !closing_ && std::min(in_.find('\n'), in_.size()) > limits_.line;
}

void ControlConnection::answer(std::string line, bool last) {
  out_ = std::move(line);
  out_ += '\n';
  sent_ = 0;
  closing_ = closing_ || last;
  since_ = Clock::now();
  write_more();
}

void ControlConnection::write_more() {
  const ssize_t count = send(file_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
  if (count < 0) {
    broken_ = errno != EAGAIN && errno != EINTR;
    return;
  }
  sent_ += static_cast<std::size_t>(count);
  if (sent_ < out_.size()) return;
  out_.clear();
  sent_ = 0;
  since_ = Clock::now();
}

ControlConnection::Clock::time_point ControlConnection::deadline() const {
  return since_ + (in_.empty() && out_.empty() ? limits_.idle : limits_.slow);
}

}  // namespace fallow
