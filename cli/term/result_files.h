// The result files of a verb: JSON and CSV, each a file or standard output.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/term/output_file.h"

namespace fallow::cli {

struct ResultFiles {
  std::optional<OutputFile> json, csv;

  // Opens the requested files. Called before the work starts, so that an unwritable file does not waste it.
  // `inputs` are files that must not be overwritten, each with a description ("the trace"). On failure
  // returns false and sets `error` to a sentence that names the option.
  bool open(const std::optional<std::string>& json_path, const std::optional<std::string>& csv_path,
            const std::vector<std::pair<std::string, const char*>>& inputs, std::string* error);

  // Returns a sentence for each file that was not written completely.
  std::vector<std::string> close();
};

}  // namespace fallow::cli
