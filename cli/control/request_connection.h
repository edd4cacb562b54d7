// One client of a server that answers requests, and the bounds it is held to.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fallow::cli {

struct RequestLimits {
  std::string_view end = "\n";             // what ends a request
  std::size_t bytes = 4096;                // of a request, without its end
  std::size_t connections = 16;            // at once; for one more, the one that was quiet longest is closed
  std::chrono::milliseconds idle{60'000};  // without a request
  std::chrono::milliseconds slow{5'000};   // for the rest of a request, or to take an answer
};

// One thread. Nothing here blocks.
class RequestConnection {
 public:
  using Clock = std::chrono::steady_clock;

  // `file`, a stream socket that does not block, is the connection's from now on.
  RequestConnection(int file, const RequestLimits& limits, uid_t user);
  ~RequestConnection();
  RequestConnection(const RequestConnection&) = delete;
  RequestConnection& operator=(const RequestConnection&) = delete;

  int file() const { return file_; }
  uid_t user() const { return user_; }
  // What to poll for. While an answer is on its way no further request is read.
  short wanted() const;
  // Reads and writes what `ready`, from poll(), says can be.
  void work(short ready);
  // A request without its end, once it is whole and the answers before it are gone.
  std::optional<std::string> take_request();
  bool has_request() const;
  // `last`: then the connection ends.
  void answer(std::string bytes, bool last = false);

  // A request that is longer than any may be: to be answered with a refusal, the last.
  bool too_long() const;
  bool ended() const { return broken_ || (out_.empty() && (closing_ || (eof_ && in_.empty()))); }
  // When it is to be closed, if nothing happens until then.
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
  Clock::time_point since_;  // the last whole request or answer, or the begin of a part of one
  bool eof_ = false, closing_ = false, broken_ = false;
};

}  // namespace fallow::cli
