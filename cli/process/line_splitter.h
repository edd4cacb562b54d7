// Makes lines of the pieces in which a pipe hands out a text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace fallow::cli {

// Holds at most one line of kLongest bytes; of a longer one the rest is dropped. For one thread.
class LineSplitter {
 public:
  static constexpr std::size_t kLongest = std::size_t{64} << 10;

  // Calls `take` with each line that has come to its end, without that end.
  template <class Take>
  void add(std::string_view text, Take take) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view piece = text.substr(0, end);
      begun_.append(piece.substr(0, std::min(piece.size(), kLongest - begun_.size())));
      if (end == std::string_view::npos) return;
      take(std::string_view(begun_));
      begun_.clear();
      text.remove_prefix(end + 1);
    }
  }

  // The last line, if it has no end.
  template <class Take>
  void finish(Take take) {
    if (!begun_.empty()) take(std::string_view(begun_));
    begun_.clear();
  }

 private:
  std::string begun_;
};

}  // namespace fallow::cli
