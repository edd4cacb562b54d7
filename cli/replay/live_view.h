// Shows the progress of a replay on a terminal, redrawn in place.
#pragma once

#include <string>

#include "cli/replay/live_frame.h"
#include "cli/term/history.h"
#include "cli/term/live_screen.h"
#include "replay/replay.h"

namespace fallow::cli {

// For one thread. The caller owns the history, and adds each sample to it before passing the sample to the
// view.
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
