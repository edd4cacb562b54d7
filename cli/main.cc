// The command line: chooses the verb, and turns what CLI11 finds wrong into a usage error.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <functional>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "cli/boot/boot_command.h"
#include "cli/ctl/ctl_command.h"
#include "cli/replay/replay_command.h"
#include "cli/serve/serve_command.h"
#include "cli/term/exit_status.h"
#include "cli/term/output_file.h"
#include "cli/top/top_command.h"

namespace fallow::cli {
namespace {

constexpr const char* kDescription = "Finds the memory that nobody uses, and gives it back to the host.";
constexpr const char* kFooter =
    "'fallow VERB --help' tells what a verb does, with examples. First try\n"
    "  fallow replay data/workday.txt.zst\n";

int usage_error(const std::string& verb, const std::string& what) {
  write_all(STDERR_FILENO, fmt::format("fallow{0}: {1}\nTry 'fallow{0} --help'.\n", verb, what));
  return kExitUsage;
}

// --help and --version. Written without a stream, which would keep to itself that the disk is full.
int answer(const CLI::App& app, const CLI::Success& wanted) {
  std::ostringstream text;
  app.exit(wanted, text, text);
  if (write_all(STDOUT_FILENO, text.str())) return kExitOk;
  const std::string why = std::strerror(errno);
  write_all(STDERR_FILENO, fmt::format("fallow: standard output: cannot write: {}\n", why));
  return kExitFailed;
}

// A verb: what CLI11 knows of it, the word that it has too many of when there is one too many, and what runs
// it.
struct Verb {
  const CLI::App* app;
  const char* operand;  // null: it has none
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
    if (word.starts_with("-")) return usage_error(name, fmt::format("there is no option '{}'", word));
    if (verb.operand == nullptr)
      return usage_error(name, fmt::format("'{}' is one word too many; expected options only", word));
    return usage_error(name, fmt::format("'{}' is one {} too many; expected one", word, verb.operand));
  }
  const std::string word = app.remaining().front();
  return usage_error("", fmt::format("there is no {} '{}'; expected {}",
                                     word.starts_with("-") ? "option" : "verb", word, names_of(verbs)));
}

int run(int count, const char* const* words) {
  CLI::App app(kDescription, "fallow");
  app.set_help_flag("-h,--help", "This text");
  app.set_version_flag("--version", "fallow " FALLOW_VERSION, "The version");
  app.footer(kFooter);
  ReplayWords replay;
  BootWords boot;
  ServeWords serve;
  CtlWords ctl;
  TopWords top;
  const std::vector<Verb> verbs = {
      {add_replay_command(app, &replay), "TRACE", [&] { return run_replay(replay); }},
      {add_boot_command(app, &boot), nullptr, [&] { return run_boot(boot); }},
      {add_serve_command(app, &serve), nullptr, [&] { return run_serve(serve); }},
      {add_ctl_command(app, &ctl), "SIZE", [&] { return run_ctl(ctl); }},
      {add_top_command(app, &top), nullptr, [&] { return run_top(top); }},
  };
  const auto chosen = [&verbs] {
    return std::find_if(verbs.begin(), verbs.end(), [](const Verb& verb) { return verb.app->parsed(); });
  };
  try {
    app.parse(count, words);
  } catch (const CLI::Success& wanted) {
    return answer(app, wanted);
  } catch (const CLI::ExtrasError&) {
    return unexpected(app, verbs);
  } catch (const CLI::ParseError& error) {
    return usage_error(chosen() == verbs.end() ? "" : " " + chosen()->app->get_name(), error.what());
  }
  if (chosen() != verbs.end()) return chosen()->run();
  write_all(STDERR_FILENO, app.help());
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
