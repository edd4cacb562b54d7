// Draws the progress of a replay over itself on a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "apps/fallow/history.h"
#include "apps/fallow/live_frame.h"
#include "fallow/trace/replay.h"

namespace fallow {

// Draws at most 20 times a second, on a file that is a terminal. When destroyed nothing is left of it on the
// screen. For one thread. The history is the caller's, and has had the sample before the view gets it.
class LiveView final : public ReplayObserver {
 public:
  LiveView(int file, std::string title, bool compared, const History& history);
  ~LiveView() override { erase(); }
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;

  void sample(const ReplaySample& sample) override;
  void scanning(double fraction) override;

 private:
  bool due();
  void draw();
  void erase();

  int file_;
  LiveState state_;
  const History& history_;
  std::size_t drawn_lines_ = 0;
  std::optional<std::chrono::steady_clock::time_point> drawn_at_;
};

}  // namespace fallow
