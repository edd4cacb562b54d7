// Lines on a terminal that are redrawn in place.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/term/terminal.h"

namespace fallow::cli {

// `file` must be a terminal. The destructor erases the drawing. For one thread.
class LiveScreen {
 public:
  explicit LiveScreen(int file) : file_(file) {}
  ~LiveScreen() { erase(); }
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // Returns whether the next drawing is due; limits drawing to 20 times a second.
  bool due();
  Terminal terminal() const { return describe_terminal(file_); }
  void draw(const std::vector<std::string>& lines);
  // Erases the drawing and moves the cursor to its first line.
  void erase();

 private:
  int file_;
  std::size_t drawn_lines_ = 0;
  std::optional<std::chrono::steady_clock::time_point> drawn_at_;
};

}  // namespace fallow::cli
