// Lines on a terminal that are drawn over themselves.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/term/terminal.h"

namespace fallow::cli {

// On a file that is a terminal. When destroyed nothing is left of it on the screen. For one thread.
class LiveScreen {
 public:
  explicit LiveScreen(int file) : file_(file) {}
  ~LiveScreen() { erase(); }
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // Whether it is time to draw again: at most 20 times a second it says so.
  bool due();
  Terminal terminal() const { return describe_terminal(file_); }
  void draw(const std::vector<std::string>& lines);
  // What is written next stands where the drawing stood.
  void erase();

 private:
  int file_;
  std::size_t drawn_lines_ = 0;
  std::optional<std::chrono::steady_clock::time_point> drawn_at_;
};

}  // namespace fallow::cli
