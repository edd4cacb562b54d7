// Draws the progress of a replay over itself on a terminal.
#pragma once

#include <string>

#include "apps/fallow/history.h"
#include "apps/fallow/live_frame.h"
#include "apps/fallow/live_screen.h"
#include "fallow/trace/replay.h"

namespace fallow {

// For one thread. The history is the caller's, and has had the sample before the view gets it.
class LiveView final : public ReplayObserver {
 public:
  LiveView(int file, std::string title, bool compared, const History& history);

  void sample(const ReplaySample& sample) override;
  void scanning(double fraction) override;

 private:
  void draw_if_due();

  LiveScreen screen_;
  LiveState state_;
  const History& history_;
};

}  // namespace fallow
