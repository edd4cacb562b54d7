// The program: selects the verb, and turns what CLI11 rejects into a usage error.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <functional>
#include <new>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"
#include "cli/options/suggestion.h"
#include "cli/term/exit_status.h"
#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

int usage_error(const std::string& verb, const std::string& what) {
  write_all(STDERR_FILENO, fmt::format("fallow{0}: {1}\nTry 'fallow{0} --help'.\n", verb, what));
  return kExitUsage;
}

// A stream to standard output would not report that the disk is full.
int print(const std::string& text) {
  if (write_all(STDOUT_FILENO, text)) return kExitOk;
  const std::string why = std::strerror(errno);
  write_all(STDERR_FILENO, fmt::format("fallow: standard output: cannot write: {}\n", why));
  return kExitFailed;
}

// Prints the text for --help or --version.
int answer(const CLI::App& app, const CLI::Success& wanted) {
  std::ostringstream text;
  app.exit(wanted, text, text);
  return print(text.str());
}

struct Verb {
  const CLI::App* app;
  const char* operand;  // the last operand of the verb, for the error about a surplus one; null: no operands
  std::function<int()> run;
};

std::vector<std::string> long_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// Without "=VALUE".
std::string name_of_option(const std::string& word) { return word.substr(0, word.find('=')); }

std::string names_of(const std::vector<Verb>& verbs) {
  std::string names;
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    if (i > 0) names += i + 1 < verbs.size() ? ", " : " or ";
    names += verbs[i].app->get_name();
  }
  return names;
}

std::string unknown_option(const std::string& word, const CLI::App& command) {
  return fmt::format("unknown option '{}'{}", word, suggestion(name_of_option(word), long_options(command)));
}

// Names all verbs unless one of them resembles the word.
std::string unknown_verb(const std::string& word, const std::vector<Verb>& verbs) {
  std::vector<std::string> names = {"help", "version"};
  for (const Verb& verb : verbs) names.push_back(verb.app->get_name());
  const std::string meant = suggestion(word, names);
  return fmt::format("unknown verb '{}'{}", word, meant.empty() ? "; expected " + names_of(verbs) : meant);
}

int unexpected(const CLI::App& app, const std::vector<Verb>& verbs) {
  for (const Verb& verb : verbs) {
    if (!verb.app->parsed()) continue;
    const std::string word = verb.app->remaining().front();
    const std::string name = " " + verb.app->get_name();
    if (word.starts_with("-")) return usage_error(name, unknown_option(word, *verb.app));
    if (verb.operand == nullptr)
      return usage_error(name, fmt::format("unexpected argument '{}'; expected options only", word));
    return usage_error(name, fmt::format("unexpected argument '{}'; expected one {}", word, verb.operand));
  }
  const std::string word = app.remaining().front();
  if (!word.starts_with("-")) return usage_error("", unknown_verb(word, verbs));
  const std::string what = unknown_option(word, app);
  return usage_error("", what.ends_with('?') ? what : fmt::format("{}; expected {}", what, names_of(verbs)));
}

int run(int count, const char* const* words);

// `fallow help [VERB]` is `fallow [VERB] --help`. Parsed here, because CLI11 would take the VERB for a second
// verb.
int help(std::span<const char* const> topics, const std::vector<Verb>& verbs) {
  if (topics.size() > 1)
    return usage_error("", fmt::format("help: unexpected argument '{}'; expected one VERB", topics[1]));
  std::vector<const char*> words = {"fallow", "--help"};
  if (!topics.empty()) {
    const std::string topic = topics.front();
    const auto named = [&](const Verb& verb) { return verb.app->get_name() == topic; };
    if (std::ranges::none_of(verbs, named)) return usage_error("", "help: " + unknown_verb(topic, verbs));
    words.insert(words.begin() + 1, topics.front());
  }
  return run(static_cast<int>(words.size()), words.data());
}

int run(int count, const char* const* words) {
  CommandLine line;
  const std::vector<Verb> verbs = {
      {line.replay, "TRACE", [&] { return run_replay(line.replay_words); }},
      {line.boot, nullptr, [&] { return run_boot(line.boot_words); }},
      {line.serve, nullptr, [&] { return run_serve(line.serve_words); }},
      {line.ctl, "SIZE", [&] { return run_ctl(line.ctl_words); }},
      {line.top, nullptr, [&] { return run_top(line.top_words); }},
  };
  const auto chosen = [&verbs] {
    return std::find_if(verbs.begin(), verbs.end(), [](const Verb& verb) { return verb.app->parsed(); });
  };
  const std::span typed(words, static_cast<std::size_t>(count));
  if (count > 1 && std::string_view(typed[1]) == "help" && (count == 2 || *typed[2] != '-'))
    return help(typed.subspan(2), verbs);
  try {
    line.app.parse(count, words);
  } catch (const CLI::Success& wanted) {
    return answer(line.app, wanted);
  } catch (const CLI::ExtrasError&) {
    return unexpected(line.app, verbs);
  } catch (const CLI::ParseError& error) {
    return usage_error(chosen() == verbs.end() ? "" : " " + chosen()->app->get_name(), error.what());
  }
  if (line.version->parsed()) return print(line.app.version() + "\n");
  if (chosen() != verbs.end()) return chosen()->run();
  write_all(STDERR_FILENO, line.app.help());
  return kExitUsage;
}

}  // namespace
}  // namespace fallow::cli

int main(int count, char** words) {
  try {
    return fallow::cli::run(count, words);
  } catch (const std::bad_alloc&) {
    fallow::cli::write_all(STDERR_FILENO, "fallow: out of memory\n");
  } catch (const std::exception& error) {
    fallow::cli::write_all(STDERR_FILENO, fmt::format("fallow: {}\n", error.what()));
  }
  return fallow::cli::kExitFailed;
}
