// The other end of a daemon's control socket.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/control/control_figures.h"
#include "cli/control/control_request.h"
#include "fallow/host/expected.h"

namespace fallow::cli {

// What came of a request.
struct ControlReply {
  bool ok = false;
  std::string error;                   // a sentence, if not
  std::string line;                    // as it came
  std::vector<GuestFigures> guests{};  // of list and statistics
};

// One thread. Blocks, each time for at most 5 s.
class ControlClient {
 public:
  // The error names the path, and says what helps.
  static Expected<ControlClient> connect(const std::string& path);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // Nothing: the daemon is gone, or what it said is no answer; `error` says which, and the client is of no
  // further use.
  std::optional<ControlReply> ask(const ControlRequest& request, std::string* error);

 private:
  ControlClient(int file, std::string path) : file_(file), path_(std::move(path)) {}
  bool send_all(const std::string& line);
  std::optional<std::string> receive_line();

  const int file_;
  const std::string path_;
};

}  // namespace fallow::cli
