// What `fallow top` shows and does, without a terminal: lines of text, and what keys ask for.
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

// A piece of a line; `columns` characters as they show.
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

  // The guests as they are now, of which a sample is kept.
  void update(std::vector<GuestFigures> guests);
  // The daemon does not answer; the guests shown are those of the last update.
  void lose(std::string why) { lost_ = std::move(why); }
  // A sentence about what a key came to, until the next key.
  void tell(std::string message) { message_ = std::move(message); }

  // Nothing: there is nothing to be asked of the daemon.
  std::optional<ControlRequest> press(TopKey key);

  // Exactly `rows` lines of at most `columns` characters; the guest that is selected is among them.
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
  std::uint64_t selected_ = 0;  // 0: the first
  std::string lost_, message_;
};

}  // namespace fallow::cli
