// Ctrl-C and its relatives: the first asks a replay to stop, the second ends the program.
#pragma once

#include <signal.h>

#include <array>
#include <atomic>

namespace fallow::cli {

// While it lives, SIGINT, SIGTERM and SIGHUP raise a flag, each once, and then have their former meaning
// again. At most one may live at a time.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Set when a signal has come. Any thread may read it.
  const std::atomic<bool>& flag() const;

  // The last signal that has come, or 0.
  int signal_number() const;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, kSignals.size()> former_{};
};

}  // namespace fallow::cli
