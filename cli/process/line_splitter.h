// Splits text that arrives in pieces, as from a pipe, into lines.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace fallow::cli {

// Buffers at most one line of kLongest bytes; the rest of a longer line is dropped. For one thread.
class LineSplitter {
 public:
  static constexpr std::size_t kLongest = std::size_t{64} << 10;

  // Calls `take` with each complete line, without its newline.
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

  // Calls `take` with the last line if it has no newline.
  template <class Take>
  void finish(Take take) {
    if (!begun_.empty()) take(std::string_view(begun_));
    begun_.clear();
  }

 private:
  std::string begun_;
};

}  // namespace fallow::cli
