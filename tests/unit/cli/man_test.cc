// The manual pages in the repository and the completions of the shells match the program's options.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace fallow::cli {
namespace {

std::string output_of(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string text;
  std::array<char, 4096> piece{};
  for (std::size_t count = 0; (count = fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    text.append(piece.data(), count);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

std::string help_of(const std::string& verb) {
  return output_of(std::string("'") + FALLOW_PROGRAM + "' " + verb + " --help");
}

std::string reference(const std::string& words) {
  return output_of(std::string("'") + FALLOW_REFERENCE + "' " + words);
}

std::string page_path(const std::string& verb) {
  return std::string(FALLOW_MAN) + "/" + (verb.empty() ? "fallow" : "fallow-" + verb) + ".1";
}

std::string page_of(const std::string& verb) {
  std::ifstream file(page_path(verb));
  EXPECT_TRUE(file.is_open()) << verb;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern, std::regex::multiline);
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end; ++match)
    found.insert((*match)[1]);
  return found;
}

// Lines of --help begin with two spaces and the option, perhaps after its short form.
std::set<std::string> options_of_help(const std::string& verb) {
  return matches(help_of(verb), R"(^  (?:-\w,)?--([a-z][a-z-]*))");
}

// In mdoc, .Fl names an option, and \- its hyphens.
std::set<std::string> options_of_page(const std::string& verb) {
  std::set<std::string> options;
  for (std::string option : matches(page_of(verb), R"(^\.It (?:Fl \w , )?Fl \\-([a-z][a-z\\-]*))")) {
    std::erase(option, '\\');
    options.insert(option);
  }
  return options;
}

std::set<std::string> verbs() { return matches(help_of(""), R"(^  ([a-z]+)  )"); }

class ManualPage : public testing::TestWithParam<const char*> {};

TEST_P(ManualPage, has_the_options_of_help) {
  const std::string verb = GetParam();
  const std::set<std::string> options = options_of_help(verb);
  EXPECT_TRUE(options.contains("help"));
  EXPECT_EQ(options, options_of_page(verb));
}

TEST_P(ManualPage, is_what_the_generator_makes_of_its_template) {
  const std::string verb = GetParam();
  const std::string name = verb.empty() ? "fallow" : verb;
  EXPECT_EQ(page_of(verb), reference("man " + name + " '" + page_path(verb) + ".in'"))
      << "'cmake --build --preset dev --target man_pages' writes the pages again";
}

INSTANTIATE_TEST_SUITE_P(OfEachVerb, ManualPage, testing::Values("", "replay", "boot", "serve", "ctl", "top"),
                         [](const auto& info) {
                           return std::string(info.param).empty() ? "fallow" : info.param;
                         });

TEST(ManualPages, the_first_one_names_all_verbs) {
  EXPECT_GE(verbs().size(), 4U);
  for (const std::string& verb : verbs())
    EXPECT_NE(page_of("").find(".Xr fallow-" + verb + " 1"), std::string::npos) << verb;
}

// Returns the completions of bash for a command line whose last word is being typed.
std::string offered(const std::string& words, int last) {
  const std::string script = testing::TempDir() + "/fallow-completion-" + std::to_string(getpid());
  std::ofstream(script) << reference("bash") << "COMP_WORDS=(" << words << ")\nCOMP_CWORD=" << last
                        << "\n_fallow\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const std::string text = output_of("bash --norc '" + script + "'");
  std::remove(script.c_str());
  return "\n" + text;
}

TEST(Completion, bash_offers_every_verb_and_every_option) {
  if (std::system("bash -c true >/dev/null 2>&1") != 0) GTEST_SKIP() << "bash is not installed";
  const std::string offered_verbs = offered("fallow ''", 1);
  for (const std::string& verb : verbs()) {
    EXPECT_NE(offered_verbs.find("\n" + verb + "\n"), std::string::npos) << verb;
    const std::string options = offered("fallow " + verb + " --", 2);
    for (const std::string& option : options_of_help(verb))
      EXPECT_NE(options.find("\n--" + option + "\n"), std::string::npos) << verb << " --" << option;
  }
}

TEST(Completion, bash_offers_the_words_that_an_option_or_operand_takes) {
  if (std::system("bash -c true >/dev/null 2>&1") != 0) GTEST_SKIP() << "bash is not installed";
  EXPECT_EQ(offered("fallow replay --backing m", 3), "\nmemfd\n");
  EXPECT_EQ(offered("fallow replay --backing = t", 4), "\nthp\n");
  EXPECT_EQ(offered("fallow ctl st", 2), "\nstatistics\n");
  EXPECT_EQ(offered("fallow boot --smp -", 3), "\n\n");
}

TEST(Completion, zsh_names_every_verb_and_every_option) {
  const std::string script = reference("zsh");
  for (const std::string& verb : verbs()) {
    EXPECT_NE(script.find("'" + verb + ":"), std::string::npos) << verb;
    for (const std::string& option : options_of_help(verb))
      EXPECT_NE(script.find("'--" + option + "["), std::string::npos) << verb << " --" << option;
  }
}

TEST(Completion, zsh_parses_its_script) {
  if (std::system("zsh -c true >/dev/null 2>&1") != 0) GTEST_SKIP() << "zsh is not installed";
  output_of(std::string("'") + FALLOW_REFERENCE + "' zsh | zsh -n /dev/stdin");
}

}  // namespace
}  // namespace fallow::cli
