// A running `fallow serve`, and what it says of its guests.
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

  // Starts it with a socket in a folder of its own, and returns when it serves.
  explicit ServeProcess(const std::vector<std::string>& options = {});
  // Kills it, if it still runs.
  ~ServeProcess();
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  std::string socket() const { return folder_.path("socket"); }
  std::string log_path() const { return folder_.path("log"); }
  pid_t process() const { return process_; }
  // The process that serves the only guest, or one of them; -1: at present there is none.
  pid_t worker() const;
  // The one behind the control socket and the metrics; -1: at present there is none.
  pid_t control() const;
  // All processes of the daemon, its first among them.
  std::vector<pid_t> processes() const;
  // Memory that no other process shares, of all of them (Pss of /proc/PID/smaps_rollup).
  std::uint64_t memory() const;
  // SIGKILL to that process. Waits for one; none in time is a failure of the test, and nothing is killed.
  void kill_worker() const;
  // SIGTERM; the exit status, -1 if a signal ended it or it did not end in time.
  int stop();
  // SIGKILL to the first process, with which the others die.
  void kill_all();
  // After one of these.
  void start_again() { start(); }

  // Lines of the log: all, and those of one kind.
  std::vector<nlohmann::json> log() const;
  std::size_t events(const std::string& event) const;
  bool wait_for_events(const std::string& event, std::size_t count,
                       Time limit = std::chrono::seconds(10)) const;
  // What the log has of the levels warning and error, for a test that wants none.
  std::string troubles() const;

  // What the control socket answers; null if it does not.
  nlohmann::json ask(const nlohmann::json& request) const;
  // The guests, by "list".
  nlohmann::json guests() const;
  // One figure of the only guest, or of the first; 0 if there is none.
  std::uint64_t figure(const char* name) const;

 private:
  void start();

  ScratchFolder folder_;
  std::vector<std::string> options_;
  pid_t process_ = -1;
};

}  // namespace fallow
