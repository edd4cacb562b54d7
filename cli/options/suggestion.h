// Suggests the known word that a mistyped word resembles.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace fallow::cli {

// Returns "; did you mean 'WORD'?" with the candidate that differs from `typed` in the fewest characters
// (inserted, removed, replaced, or swapped with the next one), or "" if each differs in more than a third of
// its own. Of equals, the first. O(characters of all candidates times those of `typed`).
std::string suggestion(std::string_view typed, std::span<const std::string> candidates);

}  // namespace fallow::cli
