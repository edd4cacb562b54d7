// The manual pages say what the program's --help says: neither has an option that the other has not.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace fallow::cli {
namespace {

std::string help_of(const std::string& verb) {
  const std::string command = std::string("'") + FALLOW_PROGRAM + "' " + verb + " --help";
  FILE* const pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string text;
  std::array<char, 4096> piece{};
  for (std::size_t count = 0; (count = fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    text.append(piece.data(), count);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

std::string page_of(const std::string& name) {
  std::ifstream file(std::string(FALLOW_MAN) + "/" + name + ".1");
  EXPECT_TRUE(file.is_open()) << name;
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
std::set<std::string> options_of_page(const std::string& name) {
  std::set<std::string> options;
  for (std::string option : matches(page_of(name), R"(^\.It (?:Fl \w , )?Fl \\-([a-z][a-z\\-]*))")) {
    std::erase(option, '\\');
    options.insert(option);
  }
  return options;
}

class ManualPage : public testing::TestWithParam<const char*> {};

TEST_P(ManualPage, has_the_options_of_help) {
  const std::string verb = GetParam();
  const std::set<std::string> options = options_of_help(verb);
  EXPECT_TRUE(options.contains("help"));
  EXPECT_EQ(options, options_of_page(verb.empty() ? "fallow" : "fallow-" + verb));
}

INSTANTIATE_TEST_SUITE_P(OfEachVerb, ManualPage, testing::Values("", "replay", "boot", "serve", "ctl", "top"),
                         [](const auto& info) {
                           return std::string(info.param).empty() ? "fallow" : info.param;
                         });

TEST(ManualPages, the_first_one_names_all_verbs) {
  const std::set<std::string> verbs = matches(help_of(""), R"(^  ([a-z]+)  )");
  EXPECT_GE(verbs.size(), 4U);
  for (const std::string& verb : verbs)
    EXPECT_NE(page_of("fallow").find(".Xr fallow-" + verb + " 1"), std::string::npos) << verb;
}

}  // namespace
}  // namespace fallow::cli
