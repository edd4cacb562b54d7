#include "cli/term/live_screen.h"

#include <fmt/format.h>

#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

constexpr auto kPeriod = std::chrono::milliseconds(50);
constexpr const char* kClearLine = "\x1b[K";
constexpr const char* kClearBelow = "\x1b[J";
// Without wrapping, a long line is cut. So the height of the drawing equals its number of lines, even if the
// window has just become narrower.
constexpr const char* kWrapOff = "\x1b[?7l";
constexpr const char* kWrapOn = "\x1b[?7h";

std::string up(std::size_t lines) { return lines > 0 ? fmt::format("\x1b[{}A", lines) : ""; }

}  // namespace

bool LiveScreen::due() {
  const auto now = std::chrono::steady_clock::now();
  if (drawn_at_ && now - *drawn_at_ < kPeriod) return false;
  drawn_at_ = now;
  return true;
}

void LiveScreen::draw(const std::vector<std::string>& lines) {
  std::string text = kWrapOff + up(drawn_lines_) + "\r";
  for (const std::string& line : lines) text += line + kClearLine + "\n";
  text += kClearBelow;
  text += kWrapOn;
  write_all(file_, text);
  drawn_lines_ = lines.size();
}

void LiveScreen::erase() {
  if (drawn_lines_ == 0) return;
  write_all(file_, up(drawn_lines_) + "\r" + kClearBelow);
  drawn_lines_ = 0;
}

}  // namespace fallow::cli
