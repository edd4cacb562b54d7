// The terminal of `fallow top`. The object occupies the whole terminal during its lifetime.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "cli/top/top_view.h"

namespace fallow::cli {

// At most one object at a time, for one thread. The destructor restores the terminal.
class TopScreen {
 public:
  struct Pressed {
    std::optional<TopKey> key;  // nothing: timeout, or the terminal was resized
    bool quit = false;          // the user pressed q
  };

  // Returns null unless standard input and output are a terminal that can move its cursor.
  static std::unique_ptr<TopScreen> open();
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  void draw(const TopView& view);
  // Waits for a key, for at most `time`. A signal interrupts the wait.
  Pressed wait(std::chrono::milliseconds time);

 private:
  struct Curses;
  explicit TopScreen(std::unique_ptr<Curses> curses);

  std::unique_ptr<Curses> curses_;
};

}  // namespace fallow::cli
