#include "cli/term/result_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

namespace fallow::cli {
namespace {

using Inputs = std::vector<std::pair<std::string, const char*>>;

bool same_file(const std::string& one, const std::string& other) {
  std::error_code ignored;  // a file that does not exist equals no other
  return std::filesystem::equivalent(one, other, ignored);
}

bool open_one(const char* option, const std::optional<std::string>& path, const Inputs& inputs,
              std::optional<OutputFile>* output, std::string* error) {
  if (!path) return true;
  for (const auto& [input, what] : inputs) {
    if (*path == "-" || !same_file(*path, input)) continue;
    *error = fmt::format("{} {}: this would overwrite {}", option, *path, what);
    return false;
  }
  if (auto file = OutputFile::open(*path, error)) {
    output->emplace(std::move(*file));
    return true;
  }
  *error = fmt::format("{} {}", option, *error);
  return false;
}

}  // namespace

bool ResultFiles::open(const std::optional<std::string>& json_path,
                       const std::optional<std::string>& csv_path, const Inputs& inputs, std::string* error) {
  return open_one("--json", json_path, inputs, &json, error) &&
         open_one("--csv", csv_path, inputs, &csv, error);
}

std::vector<std::string> ResultFiles::close() {
  std::vector<std::string> errors;
  for (std::optional<OutputFile>* output : {&json, &csv})
    if (*output && !(*output)->close()) errors.push_back((*output)->error());
  return errors;
}

}  // namespace fallow::cli
