// The client of a daemon's control socket.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/control/control_figures.h"
#include "cli/control/control_request.h"
#include "fallow/host/expected.h"

namespace fallow::cli {

// The answer to a request.
struct ControlReply {
  bool ok = false;
  std::string error;                   // a sentence, unless ok
  std::string line;                    // the answer as received
  std::string warning{};               // a sentence about a request that was carried out; usually empty
  std::vector<GuestFigures> guests{};  // of list and statistics
};

// For one thread. Each operation blocks for at most 5 s.
class ControlClient {
 public:
  // The error names the path and the remedy.
  static Expected<ControlClient> connect(const std::string& path);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // Sends a request and receives the answer. Returns nothing and sets `error` if the daemon has ended, does
  // not answer or sends something else; the client is then unusable.
  std::optional<ControlReply> ask(const ControlRequest& request, std::string* error);

 private:
  ControlClient(int file, std::string path) : file_(file), path_(std::move(path)) {}
  bool send_all(const std::string& line);
  std::optional<std::string> receive_line();

  const int file_;
  const std::string path_;
};

}  // namespace fallow::cli
