// Manual pages: a hand-written template, in which the list of options is filled in.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

namespace fallow::cli {

// Replaces the line `.\" OPTIONS` of `page`, which is in mdoc(7), with the options of `command`. The lines
// between `.\" DETAILS name` and `.\" END`, wherever they stand, move to the end of that option's
// description. On failure returns nothing and sets `error` to a sentence that names the line.
std::optional<std::string> fill_man_page(const std::string& page, const CLI::App& command,
                                         std::string* error);

}  // namespace fallow::cli
