// A running `fallow serve`, with access to its log and control socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/cli_process.h"
#include "tests/support/unix_socket.h"

namespace fallow {

class ServeProcess {
 public:
  using Time = std::chrono::milliseconds;

  // Starts the daemon with a socket in a new folder, and waits until it serves.
  explicit ServeProcess(const std::vector<std::string>& options = {});
  // Kills the daemon if it still runs.
  ~ServeProcess();
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  std::string socket() const { return folder_.path("socket"); }
  std::string log_path() const { return folder_.path("log"); }
  pid_t process() const { return process_; }
  // The worker process of a guest, or -1 if there is none now.
  pid_t worker() const;
  // The control process, or -1 if there is none now.
  pid_t control() const;
  // All processes of the daemon, including the first.
  std::vector<pid_t> processes() const;
  // The memory of all processes in bytes (sum of Pss in /proc/PID/smaps_rollup).
  std::uint64_t memory() const;
  // Waits for a worker process and sends it SIGKILL. Without one in time, fails the test and kills nothing.
  void kill_worker() const;
  // Sends SIGTERM. Returns the exit status, or -1 after a signal or a timeout.
  int stop();
  // Sends SIGKILL to the first process; the others die with it.
  void kill_all();
  // Restarts the daemon after stop() or kill_all().
  void start_again() { start(); }

  // All lines of the log, and the number of lines of one event.
  std::vector<nlohmann::json> log() const;
  std::size_t events(const std::string& event) const;
  bool wait_for_events(const std::string& event, std::size_t count,
                       Time limit = std::chrono::seconds(10)) const;
  // The log lines of levels warning and error, for tests that expect none.
  std::string troubles() const;

  // Sends a request to the control socket. Returns the answer, or null.
  nlohmann::json ask(const nlohmann::json& request) const;
  // The guests, from the command "list".
  nlohmann::json guests() const;
  // One figure of the first guest, or 0 without a guest.
  std::uint64_t figure(const char* name) const;

 private:
  void start();

  ScratchFolder folder_;
  std::vector<std::string> options_;
  pid_t process_ = -1;
};

}  // namespace fallow
