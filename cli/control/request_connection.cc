#include "cli/control/request_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace fallow::cli {

RequestConnection::RequestConnection(int file, const RequestLimits& limits, uid_t user)
    : file_(file), limits_(limits), user_(user), since_(Clock::now()) {}

RequestConnection::~RequestConnection() { close(file_); }

short RequestConnection::wanted() const {
  if (!out_.empty()) return POLLOUT;
  return eof_ ? short{0} : short{POLLIN};
}

void RequestConnection::work(short ready) {
  if (!out_.empty() && (ready & (POLLOUT | POLLHUP | POLLERR)) != 0) write_more();
  if (out_.empty() && !eof_ && (ready & (POLLIN | POLLHUP | POLLERR)) != 0) read_more();
}

void RequestConnection::read_more() {
  std::array<char, 4096> piece{};
  const ssize_t count = recv(file_, piece.data(), piece.size(), 0);
  if (count < 0) {
    broken_ = errno != EAGAIN && errno != EINTR;
    return;
  }
  if (count == 0) {
    eof_ = true;
    // The last request need not have a terminator.
    if (!in_.empty() && !in_.ends_with(limits_.end)) in_ += limits_.end;
    return;
  }
  if (in_.empty()) since_ = Clock::now();
  in_.append(piece.data(), static_cast<std::size_t>(count));
}

bool RequestConnection::has_request() const {
  return out_.empty() && !closing_ && !broken_ && in_.find(limits_.end) <= limits_.bytes;
}

std::optional<std::string> RequestConnection::take_request() {
  if (!has_request()) return {};
  const std::size_t end = in_.find(limits_.end);
  std::string request = in_.substr(0, end);
  in_.erase(0, end + limits_.end.size());
  since_ = Clock::now();
  return request;
}

bool RequestConnection::too_long() const {
  return out_.empty() && !closing_ && std::min(in_.find(limits_.end), in_.size()) > limits_.bytes;
}

void RequestConnection::answer(std::string bytes, bool last) {
  out_ = std::move(bytes);
  sent_ = 0;
  closing_ = closing_ || last;
  since_ = Clock::now();
  write_more();
}

void RequestConnection::write_more() {
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

RequestConnection::Clock::time_point RequestConnection::deadline() const {
  return since_ + (in_.empty() && out_.empty() ? limits_.idle : limits_.slow);
}

}  // namespace fallow::cli
