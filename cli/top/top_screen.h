// The terminal of `fallow top`: all of it, until the object goes.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "cli/top/top_view.h"

namespace fallow::cli {

// At most one at a time; one thread. The terminal is as it was before when the object is gone.
class TopScreen {
 public:
  struct Pressed {
    std::optional<TopKey> key;  // nothing: none within the time, or the terminal changed its size
    bool quit = false;          // the key to end
  };

  // Null: standard input and output are no terminal, or one that cannot move its cursor.
  static std::unique_ptr<TopScreen> open();
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  void draw(const TopView& view);
  // Waits for a key, at most so long. Returns early when a signal comes.
  Pressed wait(std::chrono::milliseconds time);

 private:
  struct Curses;
  explicit TopScreen(std::unique_ptr<Curses> curses);

  std::unique_ptr<Curses> curses_;
};

}  // namespace fallow::cli
