// One connection of a request server, and its limits.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fallow::cli {

struct RequestLimits {
  std::string_view end = "\n";             // terminator of a request
  std::size_t bytes = 4096;                // maximum length of a request without terminator
  std::size_t connections = 16;            // at once; one more closes the connection that was quiet longest
  std::chrono::milliseconds idle{60'000};  // without a request
  std::chrono::milliseconds slow{5'000};   // for the rest of a request, or to take an answer
};

// For one thread. No function blocks.
class RequestConnection {
 public:
  using Clock = std::chrono::steady_clock;

  // Takes ownership of `file`, a non-blocking stream socket.
  RequestConnection(int file, const RequestLimits& limits, uid_t user);
  ~RequestConnection();
  RequestConnection(const RequestConnection&) = delete;
  RequestConnection& operator=(const RequestConnection&) = delete;

  int file() const { return file_; }
  uid_t user() const { return user_; }
  // Returns the events to poll for. No further request is read until the previous answer is sent.
  short wanted() const;
  // Reads and writes according to `ready`, the result of poll().
  void work(short ready);
  // Returns a complete request without its terminator, once all previous answers are sent.
  std::optional<std::string> take_request();
  bool has_request() const;
  // Sends an answer. With `last`, then closes the connection.
  void answer(std::string bytes, bool last = false);

  // Whether a request exceeds the limit. The caller answers with a refusal as the last answer.
  bool too_long() const;
  bool ended() const { return broken_ || (out_.empty() && (closing_ || (eof_ && in_.empty()))); }
  // The time at which to close the connection if nothing happens until then.
  Clock::time_point deadline() const;
  Clock::time_point quiet_since() const { return since_; }

 private:
  void read_more();
  void write_more();

  const int file_;
  const RequestLimits limits_;
  const uid_t user_;
  std::string in_, out_;
  std::size_t sent_ = 0;     // of out_
  Clock::time_point since_;  // end of the last complete request or answer, or start of a partial one
  bool eof_ = false, closing_ = false, broken_ = false;
};

}  // namespace fallow::cli
