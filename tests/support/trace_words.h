// Removes or inserts single words in the text of a trace.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "trace/event.h"

namespace fallow {

// Returns the words between blanks and line ends.
inline std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kBetween = " \t\n";
  std::vector<std::string_view> words;
  for (auto at = text.find_first_not_of(kBetween); at != text.npos;) {
    const auto end = std::min(text.find_first_of(kBetween, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kBetween, end);
  }
  return words;
}

// Returns the line ends, each as an empty text before the line end.
inline std::vector<std::string_view> line_ends_of(std::string_view text) {
  std::vector<std::string_view> ends;
  for (auto at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1))
    ends.push_back(text.substr(at, 0));
  return ends;
}

// Returns the text without `word`, which is a part of the text.
inline std::string without(std::string_view text, std::string_view word) {
  const auto at = static_cast<std::size_t>(word.data() - text.data());
  return std::string(text.substr(0, at)) + std::string(text.substr(at + word.size()));
}

// Returns the text with `token` before the word and a blank on both sides.
inline std::string with(std::string_view text, std::string_view word, std::string_view token) {
  const auto at = static_cast<std::size_t>(word.data() - text.data());
  return std::string(text.substr(0, at)) + ' ' + std::string(token) + ' ' + std::string(text.substr(at));
}

// Returns whether the same memory was allocated and freed at the same times. The CPU is only a hint and is
// not compared.
inline bool same_but_for_the_cpu(std::vector<trace::TraceEvent> one, std::vector<trace::TraceEvent> other) {
  for (std::vector<trace::TraceEvent>* events : {&one, &other})
    for (trace::TraceEvent& event : *events) event.cpu = 0;
  return one == other;
}

}  // namespace fallow
