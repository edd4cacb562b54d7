#include "cli/options/suggestion.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace fallow::cli {
namespace {

// The number of edits that turn one word into the other; a swap of neighbours is one edit.
std::size_t distance(std::string_view a, std::string_view b) {
  const std::size_t columns = b.size() + 1;
  std::vector<std::size_t> cells((a.size() + 1) * columns);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return cells[i * columns + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.size(), b.size());
}

}  // namespace

std::string suggestion(std::string_view typed, std::span<const std::string> candidates) {
  constexpr std::size_t kLongest = 64;  // bounds the work for a word that is none
  const std::string* best = nullptr;
  std::size_t fewest = 0;
  if (typed.size() > kLongest) return {};
  for (const std::string& candidate : candidates) {
    const std::size_t edits = distance(typed, candidate);
    if (edits > std::max<std::size_t>(candidate.size() / 3, 1) || (best != nullptr && edits >= fewest))
      continue;
    best = &candidate;
    fewest = edits;
  }
  return best == nullptr ? "" : fmt::format("; did you mean '{}'?", *best);
}

}  // namespace fallow::cli
