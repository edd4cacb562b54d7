#include "apps/fallow/live_view.h"

#include <fmt/format.h>

#include <utility>

#include "apps/fallow/output_file.h"

namespace fallow {
namespace {

constexpr auto kPeriod = std::chrono::milliseconds(50);
constexpr const char* kClearLine = "\x1b[K";
constexpr const char* kClearBelow = "\x1b[J";
// A line that is too long is cut, not continued: the frame's height is what its lines say, even if the window
// has just become narrower.
constexpr const char* kWrapOff = "\x1b[?7l";
constexpr const char* kWrapOn = "\x1b[?7h";

std::string up(std::size_t lines) { return lines > 0 ? fmt::format("\x1b[{}A", lines) : ""; }

}  // namespace

LiveView::LiveView(int file, std::string title, bool compared, const History& history)
    : file_(file),
      state_{.title = std::move(title), .compared = compared, .scanned = 0, .sample = {}},
      history_(history) {}

void LiveView::sample(const ReplaySample& sample) {
  state_.sample = sample;
  if (due()) draw();
}

void LiveView::scanning(double fraction) {
  state_.scanned = fraction;
  if (due()) draw();
}

bool LiveView::due() {
  const auto now = std::chrono::steady_clock::now();
  if (drawn_at_ && now - *drawn_at_ < kPeriod) return false;
  drawn_at_ = now;
  return true;
}

void LiveView::draw() {
  const std::vector<std::string> lines = live_frame(state_, history_, describe_terminal(file_));
  std::string text = kWrapOff + up(drawn_lines_) + "\r";
  for (const std::string& line : lines) text += line + kClearLine + "\n";
  text += kClearBelow;
  text += kWrapOn;
  write_all(file_, text);
  drawn_lines_ = lines.size();
}

void LiveView::erase() {
  if (drawn_lines_ == 0) return;
  write_all(file_, up(drawn_lines_) + "\r" + kClearBelow);
  drawn_lines_ = 0;
}

}  // namespace fallow
