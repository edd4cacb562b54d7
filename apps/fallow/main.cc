// The command line: chooses the verb, and turns what CLI11 finds wrong into a usage error.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <exception>
#include <new>
#include <string>

#include "apps/fallow/exit_status.h"
#include "apps/fallow/output_file.h"
#include "apps/fallow/replay_command.h"

namespace fallow {
namespace {

constexpr const char* kDescription = "Finds the memory that nobody uses, and gives it back to the host.";
constexpr const char* kFooter =
    "'fallow VERB --help' tells what a verb does, with examples. First try\n"
    "  fallow replay data/workday.txt.zst\n";

int usage_error(const std::string& verb, const std::string& what) {
  write_all(STDERR_FILENO, fmt::format("fallow{0}: {1}\nTry 'fallow{0} --help'.\n", verb, what));
  return kExitUsage;
}

int unexpected(const CLI::App& app, const CLI::App& replay) {
  const std::string word = replay.parsed() ? replay.remaining().front() : app.remaining().front();
  const bool option = word.starts_with("-");
  if (!replay.parsed())
    return usage_error("",
                       fmt::format("there is no {} '{}'; expected replay", option ? "option" : "verb", word));
  return usage_error(" replay", option ? fmt::format("there is no option '{}'", word)
                                       : fmt::format("'{}' is one TRACE too many; expected one", word));
}

int run(int count, const char* const* words) {
  CLI::App app(kDescription, "fallow");
  app.set_help_flag("-h,--help", "This text");
  app.set_version_flag("--version", "fallow " FALLOW_VERSION, "The version");
  app.footer(kFooter);
  ReplayWords replay_words;
  const CLI::App* replay = add_replay_command(app, &replay_words);
  try {
    app.parse(count, words);
  } catch (const CLI::Success& wanted) {
    return app.exit(wanted);  // --help and --version
  } catch (const CLI::ExtrasError&) {
    return unexpected(app, *replay);
  } catch (const CLI::ParseError& error) {
    return usage_error(replay->parsed() ? " replay" : "", error.what());
  }
  if (replay->parsed()) return run_replay(replay_words);
  write_all(STDERR_FILENO, app.help());
  return kExitUsage;
}

}  // namespace
}  // namespace fallow

int main(int count, char** words) {
  try {
    return fallow::run(count, words);
  } catch (const std::bad_alloc&) {
    fallow::write_all(STDERR_FILENO, "fallow: out of memory\n");
  } catch (const std::exception& error) {
    fallow::write_all(STDERR_FILENO, fmt::format("fallow: {}\n", error.what()));
  }
  return fallow::kExitFailed;
}
