#include "cli/serve/serve_config.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <algorithm>
#include <array>
#include <vector>

#include "cli/options/suggestion.h"
#include "cli/serve/serve_command.h"

namespace fallow::cli {
namespace {

using Word = std::optional<std::string> ServeWords::*;

constexpr std::array kWords = {&ServeWords::socket_mode,
                               &ServeWords::features,
                               &ServeWords::queue_size,
                               &ServeWords::target,
                               &ServeWords::stats_interval,
                               &ServeWords::control_mode,
                               &ServeWords::max_guest_memory,
                               &ServeWords::guests_per_socket,
                               &ServeWords::guests_per_user,
                               &ServeWords::guests_per_process,
                               &ServeWords::control,
                               &ServeWords::metrics,
                               &ServeWords::log,
                               &ServeWords::log_format,
                               &ServeWords::log_level,
                               &ServeWords::user};

// Options that a file cannot have.
constexpr std::array kOnlyTyped = {"help", "config"};

std::vector<std::string> names_of(const CLI::App& serve) {
  std::vector<std::string> names;
  for (const CLI::Option* option : serve.get_options())
    for (const std::string& name : option->get_lnames())
      if (std::ranges::find(kOnlyTyped, name) == kOnlyTyped.end()) names.push_back(name);
  return names;
}

// Appends an entry of the file as it would be typed. Returns an error text, empty on success.
std::string add_typed(const CLI::App& serve, const CLI::ConfigItem& item, std::vector<std::string>* typed) {
  const std::vector<std::string> names = names_of(serve);
  if (!item.parents.empty() || item.name == "++" || item.name == "--")
    return fmt::format("section '{}': expected names of options only, without sections",
                       item.parents.empty() ? item.name : item.parents.front());
  if (std::ranges::find(names, item.name) == names.end())
    return fmt::format("unknown option '{}'{}", item.name, suggestion(item.name, names));
  const CLI::Option& option = *serve.get_option("--" + item.name);
  if (option.get_items_expected_max() > 0) {
    for (const std::string& value : item.inputs) typed->push_back(fmt::format("--{}={}", item.name, value));
    return item.inputs.empty() ? fmt::format("{}: expected a value", item.name) : "";
  }
  const std::string value = item.inputs.empty() ? "" : item.inputs.front();
  if (item.inputs.size() != 1 || (value != "true" && value != "false"))
    return fmt::format("{} = '{}': expected true or false", item.name, value);
  if (value == "true") typed->push_back("--" + item.name);
  return {};
}

std::optional<ServeWords> read_file(const std::string& path, std::string* error) {
  CLI::App app;
  ServeWords words;
  const CLI::App& serve = *add_serve_command(app, &words);
  try {
    std::vector<std::string> typed = {"serve"};
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(path))
      if (const std::string wrong = add_typed(serve, item, &typed); !wrong.empty()) {
        *error = fmt::format("--config {}: {}", path, wrong);
        return {};
      }
    std::ranges::reverse(typed);  // the order in which CLI11 takes a vector
    app.parse(std::move(typed));
  } catch (const CLI::FileError&) {
    *error = fmt::format("--config {}: cannot read the file; expected a TOML file such as 'target = \"1G\"'",
                         path);
    return {};
  } catch (const CLI::ParseError& wrong) {
    *error = fmt::format("--config {}: {}", path, wrong.what());
    return {};
  }
  return words;
}

}  // namespace

std::optional<ServeWords> with_config(const ServeWords& words, std::string* error) {
  if (!words.config) return words;
  auto all = read_file(*words.config, error);
  if (!all) return {};
  all->config = words.config;
  for (const Word word : kWords)
    if (words.*word) (*all).*word = words.*word;
  if (!words.sockets.empty()) all->sockets = words.sockets;
  if (words.split || words.packed) {
    all->split = words.split;
    all->packed = words.packed;
  }
  all->no_sandbox = all->no_sandbox || words.no_sandbox;
  return all;
}

}  // namespace fallow::cli
