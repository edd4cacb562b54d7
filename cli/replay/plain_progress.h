// Prints the progress of a replay as lines, for a log or a pipe.
#pragma once

#include <chrono>
#include <string>

#include "replay/replay.h"

namespace fallow::cli {

// Prints a line for each tenth of the trace, and after 5 s without a line. For one thread.
class PlainProgress final : public replay::ReplayObserver {
 public:
  explicit PlainProgress(int file) : file_(file) {}

  void sample(const replay::ReplaySample& sample) override;
  void scanning(double fraction) override;

 private:
  bool silent_for_long();
  void say(const std::string& line);

  int file_;
  unsigned tenths_told_ = 0;
  std::chrono::steady_clock::time_point told_at_ = std::chrono::steady_clock::now();
};

// "50 %, 15.8 s of 31.5 s: used 218 MiB, free 1,074 MiB, reported 980 MiB, resident 221 MiB".
std::string progress_words(const replay::ReplaySample& sample);

}  // namespace fallow::cli
