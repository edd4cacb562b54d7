// Where the results of a verb go: JSON and CSV, each into a file or standard output.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/term/output_file.h"

namespace fallow::cli {

struct ResultFiles {
  std::optional<OutputFile> json, csv;

  // Opens what is wanted: before the work, since it would be a pity to find out afterwards. `inputs` are
  // files that must not be overwritten, with what they are ("the trace"). False: `error` names the option.
  bool open(const std::optional<std::string>& json_path, const std::optional<std::string>& csv_path,
            const std::vector<std::pair<std::string, const char*>>& inputs, std::string* error);

  // Sentences about what was not written; empty: all was.
  std::vector<std::string> close();
};

}  // namespace fallow::cli
