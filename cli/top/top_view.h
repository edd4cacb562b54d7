// The contents and behaviour of `fallow top` without a terminal: lines of text, and the effect of keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/control/control_figures.h"
#include "cli/control/control_request.h"
#include "cli/top/top_history.h"

namespace fallow::cli {

enum class TopLook : std::uint8_t { Plain, Head, Bar, Faint, Selected, Alarm };

// A part of a line, `columns` wide on the screen.
struct TopSpan {
  std::string text;
  std::size_t columns;
  TopLook look;
};
using TopLine = std::vector<TopSpan>;

enum class TopKey : std::uint8_t { Up, Down, SortBefore, SortNext, Pause, Resume, More, Less, Other };
enum class TopSort : std::uint8_t { Guest, Resident, Memory, Balloon, Released };

// One thread.
class TopView {
 public:
  // `where`: the daemon's control socket, for the title.
  explicit TopView(std::string where) : where_(std::move(where)) {}

  // Sets the current guests, and adds a sample of each to the history.
  void update(std::vector<GuestFigures> guests);
  // Shows that the daemon does not answer. The guests of the last update stay on the screen.
  void lose(std::string why) { lost_ = std::move(why); }
  // Shows the result of a key until the next key.
  void tell(std::string message) { message_ = std::move(message); }

  // Handles a key. Returns the request to send to the daemon, if any.
  std::optional<ControlRequest> press(TopKey key);

  // Returns exactly `rows` lines of at most `columns` characters, with the selected guest among them.
  std::vector<TopLine> draw(std::size_t columns, std::size_t rows, bool unicode) const;

 private:
  struct Columns;

  std::vector<const GuestFigures*> sorted() const;
  const GuestFigures* selected() const;
  void select(int step);
  std::optional<ControlRequest> inflate(bool more) const;
  TopLine title() const;
  TopLine summary() const;
  TopLine headings(const Columns& columns) const;
  TopLine guest_line(const GuestFigures& guest, const Columns& columns, bool unicode) const;
  std::vector<TopLine> details(const GuestFigures& guest) const;
  TopLine last_line() const;

  std::string where_;
  std::vector<GuestFigures> guests_;
  TopHistory history_;
  TopSort sort_ = TopSort::Guest;
  std::uint64_t selected_ = 0;  // 0: the first guest in the current order
  std::string lost_, message_;
};

}  // namespace fallow::cli
