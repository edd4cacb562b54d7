// Shell completions for the verbs, their options and the words that options take.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace fallow::cli {

// A script for bash-completion's folder; bash alone can source it too.
std::string bash_completion(const CLI::App& app);

// A function for a folder in zsh's fpath.
std::string zsh_completion(const CLI::App& app);

}  // namespace fallow::cli
