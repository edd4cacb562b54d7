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
#include <sstream>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/term/exit_status.h"
#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

int usage_error(const std::string& verb, const std::string& what) {
  write_all(STDERR_FILENO, fmt::format("fallow{0}: {1}\nTry 'fallow{0} --help'.\n", verb, what));
  return kExitUsage;
}

// Prints the text for --help or --version. A stream to standard output would not report that the disk is
// full.
int answer(const CLI::App& app, const CLI::Success& wanted) {
  std::ostringstream text;
  app.exit(wanted, text, text);
  if (write_all(STDOUT_FILENO, text.str())) return kExitOk;
  const std::string why = std::strerror(errno);
  write_all(STDERR_FILENO, fmt::format("fallow: standard output: cannot write: {}\n", why));
  return kExitFailed;
}

struct Verb {
  const CLI::App* app;
  const char* operand;  // the last operand of the verb, for the error about a surplus one; null: no operands
  std::function<int()> run;
};

std::string names_of(const std::vector<Verb>& verbs) {
  std::string names;
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    if (i > 0) names += i + 1 < verbs.size() ? ", " : " or ";
    names += verbs[i].app->get_name();
  }
  return names;
}

int unexpected(const CLI::App& app, const std::vector<Verb>& verbs) {
  for (const Verb& verb : verbs) {
    if (!verb.app->parsed()) continue;
    const std::string word = verb.app->remaining().front();
    const std::string name = " " + verb.app->get_name();
    if (word.starts_with("-")) return usage_error(name, fmt::format("unknown option '{}'", word));
    if (verb.operand == nullptr)
      return usage_error(name, fmt::format("unexpected argument '{}'; expected options only", word));
    return usage_error(name, fmt::format("unexpected argument '{}'; expected one {}", word, verb.operand));
  }
  const std::string word = app.remaining().front();
  return usage_error("", fmt::format("unknown {} '{}'; expected {}",
                                     word.starts_with("-") ? "option" : "verb", word, names_of(verbs)));
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
  try {
    line.app.parse(count, words);
  } catch (const CLI::Success& wanted) {
    return answer(line.app, wanted);
  } catch (const CLI::ExtrasError&) {
    return unexpected(line.app, verbs);
  } catch (const CLI::ParseError& error) {
    return usage_error(chosen() == verbs.end() ? "" : " " + chosen()->app->get_name(), error.what());
  }
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
