// End-to-end tests of `fallow boot` with a fake QEMU: output, exit status and cleanup.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/e2e/cli_process.h"
#include "tests/e2e/wait_until.h"

namespace fallow {
namespace {

using Json = nlohmann::ordered_json;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The text with each line break replaced by a space: where a sentence wraps depends on its figures.
std::string unwrapped(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::vector<std::string> boot_words(const ScratchFolder& folder, const std::vector<std::string>& options) {
  std::vector<std::string> words = {"boot", "--qemu", FALLOW_FAKE_QEMU, "--kernel",
                                    folder.file("kernel", "an image")};
  words.insert(words.end(), options.begin(), options.end());
  return words;
}

CliOutcome boot(const std::string& how, const std::vector<std::string>& options = {}) {
  const ScratchFolder folder;
  return run_cli(boot_words(folder, options), {"FAKE_QEMU=" + how});
}

TEST(BootCli, a_guest_that_fills_and_frees) {
  const CliOutcome outcome = boot("well");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(has(outcome.out, "fallow on pc: 2,048 MiB of memory, 1 CPU, split ring")) << outcome.out;
  EXPECT_TRUE(has(unwrapped(outcome.out), "The guest filled 64 MiB, and freed it.")) << outcome.out;
  EXPECT_TRUE(has(unwrapped(outcome.out), "QEMU accepted them all.")) << outcome.out;
  EXPECT_TRUE(has(unwrapped(outcome.out), "Verdict: ok.")) << outcome.out;
  EXPECT_TRUE(has(outcome.err, "the guest filled 64 MiB\n")) << outcome.err;
  EXPECT_TRUE(has(outcome.err, "verdict: ok\n")) << outcome.err;
  EXPECT_FALSE(has(outcome.out + outcome.err, "\x1b"));
}

TEST(BootCli, a_full_disk_is_noticed) {
  const std::string why = "No space left on device\n";
  for (const char* option : {"--json", "--csv"}) {
    const CliOutcome outcome = boot("well", {"-q", option, "/dev/full"});
    EXPECT_EQ(outcome.status, 1) << option;
    EXPECT_TRUE(has(outcome.err, "fallow boot: /dev/full: cannot write: " + why)) << outcome.err;
  }
  const ScratchFolder folder;
  const CliOutcome summary = run_cli_into_full_disk(boot_words(folder, {}), {"FAKE_QEMU=well"});
  EXPECT_EQ(summary.status, 1);
  EXPECT_TRUE(has(summary.err, "fallow boot: cannot write the summary: " + why)) << summary.err;
}

// The fake frees nothing for 50 ms, then one sixteenth every 10 ms.
TEST(BootCli, the_fall_is_measured) {
  const auto begin = std::chrono::steady_clock::now();
  const CliOutcome outcome = boot("well", {"-q", "--json", "-"});
  const double run_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out;
  EXPECT_EQ(json.begin().key(), "guest");
  EXPECT_EQ(json["filled_mib"], 64);
  EXPECT_NEAR(json["top_mib"].get<double>() - json["low_mib"].get<double>(), 64, 4);
  EXPECT_GE(json["t05_s"], 0.045);
  EXPECT_GE(json["t50_s"], 0.115);
  EXPECT_GE(json["t95_s"], 0.190);
  EXPECT_LT(json["t95_s"], run_s);
  EXPECT_GT(json["excess_gib_s"], 0.064 * 0.05);
  EXPECT_LT(json["excess_gib_s"], 0.064 * run_s);
  EXPECT_EQ(json["requests"], 9);
  EXPECT_EQ(json["refused"], 0);
  EXPECT_EQ(json["corrupted_frames"], 0);
  EXPECT_EQ(json["ring"], "split");
  EXPECT_EQ(json["verdict"], "ok");
  EXPECT_LE(json["boot_s"], json["first_report_s"]);
}

TEST(BootCli, a_series_in_a_file) {
  const ScratchFolder folder;
  const CliOutcome outcome =
      run_cli(boot_words(folder, {"-q", "--csv", folder.path("x.csv")}), {"FAKE_QEMU=well"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const std::string csv = read_file(folder.path("x.csv"));
  EXPECT_TRUE(csv.starts_with("time_s,resident_mib,guest_used_mib,")) << csv.substr(0, 100);
  // 260 ms around the fall, sampled every 2 ms; the bound allows for a busy machine.
  EXPECT_GT(std::count(csv.begin(), csv.end(), '\n'), 40);
}

TEST(BootCli, the_live_view_and_then_the_summary) {
  FALLOW_NEEDS_TERMINAL();
  const ScratchFolder folder;
  const CliOutcome outcome = run_cli_on_terminal(boot_words(folder, {}), {"FAKE_QEMU=well"});
  EXPECT_EQ(outcome.status, 0) << outcome.out;
  EXPECT_TRUE(has(outcome.out, "\x1b[J"));
  EXPECT_TRUE(has(outcome.out, "reported"));
  EXPECT_TRUE(has(unwrapped(outcome.out), "Verdict: ok.")) << outcome.out;
}

TEST(BootCli, what_is_wrong_is_told_and_fails) {
  const struct {
    const char* how;
    const char* says;
  } cases[] = {
      {"refuses", "fallow boot: FAILED: QEMU refused 2 addresses that the guest reported"},
      {"warns", "fallow boot: FAILED: QEMU printed an error: qemu-system-x86_64: warning: something"},
      {"corrupts", "fallow boot: FAILED: the guest says: 2 frames lost their content"},
      {"panics", "fallow boot: FAILED: the guest panicked: page fault, rip 0x101234, address 0x8"},
      {"dies",
       "fallow boot: FAILED: QEMU was killed by signal 9 (Killed), after it had registered its balloon"},
      {"complains at once", "fallow boot: FAILED: QEMU ended with status 1, before its first event"},
  };
  for (const auto& [how, says] : cases) {
    const CliOutcome outcome = boot(how, {"-q"});
    EXPECT_EQ(outcome.status, 1) << how;
    EXPECT_EQ(outcome.out, "") << how;
    EXPECT_TRUE(has(outcome.err, says)) << outcome.err;
  }
}

TEST(BootCli, what_qemu_and_the_guest_said_last_is_shown) {
  EXPECT_TRUE(has(boot("complains at once").err, "qemu-system-x86_64: -machine pc: no such thing\n"));
  EXPECT_TRUE(has(boot("dies").err, "KVM internal error. Suberror: 1\n"));
  EXPECT_TRUE(has(boot("panics").err, "| rax 0000000000000000 rbx 0000000000000001\n"));
}

TEST(BootCli, silence_is_a_failure) {
  CliOutcome outcome = boot("silent", {"--timeout", "200ms"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(has(outcome.err, "the guest was silent for 0.20 s, before its first event (see --timeout)"))
      << outcome.err;
  outcome = boot("hangs", {"--timeout", "200ms", "--json", "-"});
  EXPECT_EQ(outcome.status, 1);
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out;
  EXPECT_TRUE(json["requests"].is_null() && json["t95_s"].is_null());
  EXPECT_TRUE(has(json["verdict"].get<std::string>(), "the guest was silent"));
}

TEST(BootCli, nonsense_is_noted_and_harms_nothing) {
  const CliOutcome outcome = boot("nonsense");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(
      has(outcome.out, "note: 3 events from the guest could not be read; the first error: 'used_kib'"))
      << outcome.out;
}

TEST(BootCli, the_serial_line_is_shown_and_cannot_harm_a_terminal) {
  const CliOutcome outcome = boot("nonsense", {"--verbose"});
  EXPECT_TRUE(has(outcome.err, "| SeaBIOS\n")) << outcome.err.substr(0, 2000);
  EXPECT_TRUE(has(outcome.err, "| fallow: \\x1b[31m\\x80\\xff not JSON\n"));
  EXPECT_FALSE(has(outcome.err, "\x1b"));
}

TEST(BootCli, words_for_qemu) {
  const CliOutcome outcome =
      boot("words", {"--verbose", "--machine", "q35", "--memory", "256M", "--smp", "2", "--packed",
                     "--no-event-index", "--no-indirect", "--workload", "churn", "--seconds", "7"});
  for (const char* word :
       {"q35", "256M", "2",
        "virtio-balloon-pci,free-page-reporting=on,packed=on,event_idx=off,indirect_desc=off",
        "workload=churn policy=aged:100ms order=9 seed=1 seconds=7"})
    EXPECT_TRUE(has(outcome.err, std::string("| ") + word)) << word << outcome.err;
}

TEST(BootCli, usage_errors) {
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } cases[] = {
      {{"--memory", "1M"}, "fallow boot: --memory '1M': expected a size in whole MiB from 64M to 1T"},
      {{"--machine", "amiga"}, "fallow boot: --machine 'amiga': expected pc, q35 or microvm\n"},
      {{"--guest", "linux"}, "fallow boot: --guest linux: expected --kernel and --initrd too"},
      {{"--workload", "trace"}, "fallow boot: --workload trace: expected --trace FILE too"},
      {{"--frob"}, "fallow boot: unknown option '--frob'"},
      {{"word"}, "fallow boot: unexpected argument 'word'; expected options only"},
  };
  for (const auto& [arguments, says] : cases) {
    std::vector<std::string> words = {"boot"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const CliOutcome outcome = run_cli(words);
    EXPECT_EQ(outcome.status, 2) << says;
    EXPECT_EQ(outcome.out, "") << says;
    EXPECT_TRUE(has(outcome.err, says)) << outcome.err;
  }
}

TEST(BootCli, what_is_missing_is_named_with_its_cure) {
  const ScratchFolder folder;
  const std::string json = folder.path("x.json");
  CliOutcome outcome = run_cli({"boot", "--json", json}, {"PATH=" + folder.path("")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(has(outcome.err,
                  "fallow boot: qemu-system-x86_64 is not installed: 'apt-get install "
                  "qemu-system-x86' installs it"))
      << outcome.err;
  outcome = run_cli({"boot", "--qemu", folder.path("qemu"), "--json", json});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(has(outcome.err, folder.path("qemu") + ": no such program")) << outcome.err;
  outcome = run_cli({"boot", "--qemu", FALLOW_FAKE_QEMU, "--kernel", folder.path("kernel"), "--json", json});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(has(outcome.err, "kernel: cannot open: No such file or directory")) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(json));
}

TEST(BootCli, a_damaged_trace_is_named) {
  const ScratchFolder folder;
  const std::string trace =
      folder.file("bad.txt", "cc1-1 [000] ..... 12.0: mm_page_free: page=0 pfn=0x1 order=77\n");
  const CliOutcome outcome = run_cli(boot_words(folder, {"--trace", trace}), {"FAKE_QEMU=well"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(has(outcome.err, "bad.txt:1: ")) << outcome.err;
}

// Returns the fake QEMU processes with `path` on their command line.
std::vector<pid_t> fakes_with(const std::string& path) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::error_code error;
    const auto program = std::filesystem::read_symlink(entry.path() / "exe", error);
    if (!error && program == FALLOW_FAKE_QEMU && has(read_file((entry.path() / "cmdline").string()), path))
      found.push_back(std::stoi(entry.path().filename().string()));
  }
  return found;
}

bool runs(pid_t process) { return kill(process, 0) == 0; }

TEST(BootCli, control_c_ends_it_in_order) {
  FALLOW_NEEDS_TERMINAL();
  const ScratchFolder folder;
  const CliOutcome outcome = run_cli_on_terminal(boot_words(folder, {}), {"FAKE_QEMU=hangs"}, "reported");
  EXPECT_EQ(outcome.status, 130) << outcome.out;
  EXPECT_TRUE(has(outcome.out, "Stopped.")) << outcome.out;
  EXPECT_TRUE(fakes_with(folder.path("kernel")).empty());
}

TEST(BootCli, qemu_goes_on_if_it_is_to) {
  const CliOutcome outcome = boot("well", {"-q", "--keep"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const std::string words = "QEMU continues as process ";
  const std::size_t at = outcome.err.find(words);
  ASSERT_NE(at, std::string::npos) << outcome.err;
  const pid_t process = std::stoi(outcome.err.substr(at + words.size()));
  EXPECT_TRUE(runs(process));
  EXPECT_TRUE(has(outcome.err, "'kill " + std::to_string(process) + "' ends it")) << outcome.err;
  kill(process, SIGKILL);
}

TEST(BootCli, nothing_is_left_when_it_is_killed) {
  const ScratchFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const std::string kernel = folder.file("kernel", "an image");
    setenv("FAKE_QEMU", "hangs", 1);
    execl(FALLOW_PROGRAM, "fallow", "boot", "-q", "--qemu", FALLOW_FAKE_QEMU, "--kernel", kernel.c_str(),
          nullptr);
    _exit(127);
  }
  ASSERT_GT(child, 0);
  std::vector<pid_t> qemu;
  EXPECT_TRUE(wait_until([&] {
    qemu = fakes_with(folder.path("kernel"));
    return !qemu.empty();
  }));
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_FALSE(qemu.empty());
  EXPECT_TRUE(wait_until([&] {
    const std::string state = read_file("/proc/" + std::to_string(qemu.front()) + "/stat");
    return state.empty() || has(state, ") Z ");
  }));
}

}  // namespace
}  // namespace fallow
