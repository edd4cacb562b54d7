// The configuration file of `fallow serve`.
#pragma once

#include <optional>
#include <string>

#include "cli/serve/serve_options.h"

namespace fallow::cli {

// Reads `words.config`, a TOML file without sections whose names are those of the options of `fallow serve`:
//
//   socket = ["/run/fallow/a.sock", "/run/fallow/b.sock"]
//   target = "1G"
//   packed = true
//
// Returns its options with those of the command line above them: an option of the command line replaces that
// of the file, --socket all sockets of the file, --split and --packed each other. Returns `words` if there is
// no file. On failure returns nothing and sets `error` to a sentence that names the file and the line's
// option.
std::optional<ServeWords> with_config(const ServeWords& words, std::string* error);

}  // namespace fallow::cli
