// Starts `fallow replay`, `boot` and `ctl` once with every value that the help of an option lists, such as
// "--backing none|anon|thp|memfd". The list is read from --help, so a value that is added is started too.
// serve_values_test.cc does the same for `fallow serve`.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "tests/e2e/cli_process.h"

namespace fallow {
namespace {

using Words = std::vector<std::string>;

struct ListedValue {
  std::string option, value;
};

// The options of a verb whose argument is a list of words: "--policy hwm|linux|aged[:TIME]". A placeholder
// such as FILE or N is no word.
std::vector<ListedValue> listed_values(const std::string& verb) {
  const std::string help = run_cli({verb, "--help"}).out;
  std::vector<ListedValue> values;
  const std::regex line(R"(^  (?:-\w,)?(--[a-z-]+) (\S*\|\S*))", std::regex::multiline);
  const std::regex word(R"([^|]+)");
  for (std::sregex_iterator option(help.begin(), help.end(), line), end; option != end; ++option) {
    const std::string choices = (*option)[2];
    for (std::sregex_iterator one(choices.begin(), choices.end(), word); one != end; ++one) {
      const std::string value = one->str();
      if (std::islower(static_cast<unsigned char>(value.front())) == 0 && value != "-") continue;
      values.push_back({(*option)[1], value.substr(0, value.find('['))});
      if (value.find("[:TIME]") != std::string::npos) values.push_back({(*option)[1], "aged:20ms"});
    }
  }
  return values;
}

// The other options that an option needs to have an effect.
Words companions(const ListedValue& given, const std::map<std::string, Words>& of_option,
                 const std::map<std::string, Words>& of_value) {
  Words words;
  for (const auto* table : {&of_option, &of_value})
    for (const auto& [name, more] : *table)
      if (name == given.option || name == given.option + "=" + given.value)
        words.insert(words.end(), more.begin(), more.end());
  return words;
}

void expect_started(const Words& words, const Words& environment = {}) {
  std::string typed;
  for (const std::string& word : words) typed += " " + word;
  const CliOutcome outcome = run_cli(words, environment);
  EXPECT_EQ(outcome.status, 0) << typed << "\n" << outcome.err;
}

// Two frames, for a second.
constexpr const char* kTrace =
    "cc1-1 [000] ..... 10.000001: mm_page_alloc: page=0 pfn=0x1000 order=0 migratetype=0 "
    "gfp_flags=GFP_KERNEL\n"
    "cc1-1 [000] ..... 10.000002: mm_page_alloc: page=0 pfn=0x1001 order=0 migratetype=0 "
    "gfp_flags=GFP_KERNEL\n"
    "cc1-1 [000] ..... 11.000001: mm_page_free: page=0 pfn=0x1000 order=0\n"
    "cc1-1 [000] ..... 11.000002: mm_page_free: page=0 pfn=0x1001 order=0\n";

TEST(OptionValues, of_replay) {
  const ScratchFolder folder;
  const std::string trace = folder.file("small.txt", kTrace);
  const std::map<std::string, Words> more = {{"--event-index", {"--transport", "virtio-split"}},
                                             {"--indirect", {"--transport", "virtio-packed"}}};
  const auto values = listed_values("replay");
  EXPECT_GE(values.size(), 16U) << "of --policy, --backing, --speed, --transport, --event-index, --indirect";
  for (const ListedValue& one : values) {
    Words words = {"replay", trace, one.option, one.value};
    const Words besides = companions(one, more, {});
    words.insert(words.end(), besides.begin(), besides.end());
    expect_started(words);
  }
  for (const char* page : {"4K", "8K", "16K", "32K", "64K"})
    expect_started({"replay", trace, "--page-size", page});
  expect_started({"replay", trace, "--policy", "hwm", "--hwm", "1"});
  for (const char* order : {"0", "10"}) expect_started({"replay", trace, "--order", order});
  for (const char* capacity : {"1", "65536"}) expect_started({"replay", trace, "--capacity", capacity});
  for (const char* flag : {"--lazy-free", "--verify", "--skip-bad-lines", "--no-compare", "--quiet"})
    expect_started({"replay", trace, flag});
  expect_started({"replay", trace, "--transport", "virtio-split", "--queue-size", "32768", "--in-flight", "2",
                  "--init-reported", "--disturb", "100ms"});
}

TEST(OptionValues, of_boot) {
  const ScratchFolder folder;
  const Words start = {"boot", "--qemu", FALLOW_FAKE_QEMU, "--kernel", folder.file("kernel", "an image")};
  const std::string trace = folder.file("small.txt", kTrace), initrd = folder.file("initrd", "files");
  const std::map<std::string, Words> more = {{"--guest=linux", {"--initrd", initrd}},
                                             {"--workload=trace", {"--trace", trace}}};
  const auto values = listed_values("boot");
  EXPECT_GE(values.size(), 20U) << "of --machine, --accel, --guest, --policy and --workload";
  for (const ListedValue& one : values) {
    Words words = start;
    words.insert(words.end(), {one.option, one.value});
    const Words besides = companions(one, {}, more);
    words.insert(words.end(), besides.begin(), besides.end());
    expect_started(words, {"FAKE_QEMU=well"});
  }
}

// Every value reaches the daemon, which is not there.
TEST(OptionValues, of_ctl) {
  const ScratchFolder folder;
  const std::string nowhere = folder.path("control");
  for (const Words& action : {Words{"list"},
                              {"statistics", "1"},
                              {"target", "1", "0"},
                              {"target", "all", "100%"},
                              {"target", "1", "16383G"},
                              {"pause", "all"},
                              {"resume", "1"}}) {
    Words words = {"ctl", "--control", nowhere};
    words.insert(words.end(), action.begin(), action.end());
    const CliOutcome outcome = run_cli(words);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.err.find("no daemon answers at"), std::string::npos) << outcome.err;
  }
  for (const char* interval : {"100ms", "1h"}) {
    const CliOutcome outcome = run_cli({"top", "--control", nowhere, "--interval", interval});
    EXPECT_NE(outcome.err.find("no daemon answers at"), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace fallow
