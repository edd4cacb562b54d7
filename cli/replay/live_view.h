// Draws the progress of a replay over itself on a terminal.
#pragma once

#include <string>

#include "cli/replay/live_frame.h"
#include "cli/term/history.h"
#include "cli/term/live_screen.h"
#include "replay/replay.h"

namespace fallow::cli {

// For one thread. The history is the caller's, and has had the sample before the view gets it.
class LiveView final : public replay::ReplayObserver {
 public:
  LiveView(int file, std::string title, bool compared, const History& history);

  void sample(const replay::ReplaySample& sample) override;
  void scanning(double fraction) override;

 private:
  void draw_if_due();

  LiveScreen screen_;
  LiveState state_;
  const History& history_;
};

}  // namespace fallow::cli
