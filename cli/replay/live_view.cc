#include "cli/replay/live_view.h"

#include <utility>

namespace fallow::cli {

LiveView::LiveView(int file, std::string title, bool compared, const History& history)
    : screen_(file),
      state_{.title = std::move(title), .compared = compared, .scanned = 0, .sample = {}},
      history_(history) {}

void LiveView::sample(const replay::ReplaySample& sample) {
  state_.sample = sample;
  draw_if_due();
}

void LiveView::scanning(double fraction) {
  state_.scanned = fraction;
  draw_if_due();
}

void LiveView::draw_if_due() {
  if (screen_.due()) screen_.draw(live_frame(state_, history_, screen_.terminal()));
}

}  // namespace fallow::cli
