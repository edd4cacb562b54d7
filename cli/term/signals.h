// SIGINT, SIGTERM and SIGHUP: the first requests a stop, the second ends the program.
#pragma once

#include <signal.h>

#include <array>
#include <atomic>

namespace fallow::cli {

// During the lifetime of the object, the first occurrence of each of SIGINT, SIGTERM and SIGHUP sets a flag;
// then that signal regains its former action. At most one object may exist at a time.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // True after a signal. Any thread may read it.
  const std::atomic<bool>& flag() const;

  // The number of the last signal, or 0.
  int signal_number() const;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, kSignals.size()> former_{};
};

}  // namespace fallow::cli
