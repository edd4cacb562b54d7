// The configuration file of `fallow serve`, and SIGHUP, which reads it again.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "tests/e2e/cli_process.h"
#include "tests/e2e/serve_process.h"

namespace fallow {
namespace {

std::string error_of(const std::string& config, std::vector<std::string> options = {}) {
  const ScratchFolder folder;
  options.insert(options.begin(), {"serve", "--config", folder.file("serve.toml", config)});
  const CliOutcome outcome = run_cli(options);
  EXPECT_EQ(outcome.status, 2) << outcome.err;
  const std::string path = folder.path("serve.toml");
  const std::size_t at = outcome.err.find(path);
  return at == std::string::npos ? outcome.err : outcome.err.substr(at + path.size());
}

void hang_up(const ServeProcess& daemon) { ASSERT_EQ(kill(daemon.process(), SIGHUP), 0); }

// Two sockets, of which each may have half of the guests, and a target: the file's options count.
TEST(ServeConfig, the_options_of_the_file_count) {
  const ScratchFolder folder;
  const std::string config =
      folder.file("serve.toml",
                  "# a comment\ntarget = \"64M\"\nlog-level = \"debug\"\npacked = true\nqueue-size = 128\n"
                  "control = \"" +
                      folder.path("control") + "\"\nmetrics = \"127.0.0.1:0x\"\n");
  const CliOutcome wrong = run_cli({"serve", "--config", config});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.err.find("--socket is missing"), std::string::npos) << wrong.err;
  const CliOutcome metrics = run_cli({"serve", "--config", config, "--socket", folder.path("a")});
  EXPECT_NE(metrics.err.find("--metrics '127.0.0.1:0x'"), std::string::npos) << metrics.err;
}

TEST(ServeConfig, a_daemon_serves_with_it) {
  const ScratchFolder folder;
  const std::string more = folder.path("more");
  const std::string config = folder.file(
      "serve.toml", "target = \"64M\"\npacked = true\nno-sandbox = false\nfeatures = \"default,stats\"\n");
  ServeProcess daemon({"--config", config});
  EXPECT_EQ(daemon.events("listening"), 1U);
  EXPECT_EQ(daemon.events("option"), 1U) << "the warning about --packed";
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(ServeConfig, the_command_line_comes_first) {
  const ScratchFolder folder;
  const std::string config =
      folder.file("serve.toml",
                  "socket = [\"/nonexistent/a\", \"/nonexistent/b\"]\npacked = true\nlog-level = \"loud\"\n");
  ServeProcess daemon({"--config", config, "--split", "--log-level", "info"});
  EXPECT_EQ(daemon.events("listening"), 1U);
  EXPECT_EQ(daemon.events("option"), 0U) << "not packed";
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(ServeConfig, errors_name_the_file_and_the_option) {
  EXPECT_EQ(error_of("tagret = \"1G\"\n"),
            ": unknown option 'tagret'; did you mean 'target'?\nTry 'fallow serve --help'.\n");
  EXPECT_EQ(error_of("config = \"x\"\n").find(": unknown option 'config'"), 0U);
  EXPECT_EQ(error_of("help = true\n").find(": unknown option 'help'"), 0U);
  EXPECT_EQ(error_of("[serve]\ntarget = \"1G\"\n").find(": section 'serve': expected names of options"), 0U);
  EXPECT_EQ(error_of("packed = \"perhaps\"\n"),
            ": packed = 'perhaps': expected true or false\nTry 'fallow serve --help'.\n");
  EXPECT_NE(error_of("target = 12\n", {"--socket", "s"}).find("--target '12': expected a size with its unit"),
            std::string::npos);
  const CliOutcome none = run_cli({"serve", "--config", "/nonexistent/serve.toml"});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("--config /nonexistent/serve.toml: cannot read the file"), std::string::npos)
      << none.err;
}

TEST(ServeConfig, a_hangup_reads_the_file_again) {
  const ScratchFolder folder;
  const std::string config = folder.file("serve.toml", "target = \"64M\"\nlog-level = \"info\"\n");
  ServeProcess daemon({"--config", config});
  folder.file("serve.toml", "target = \"32M\"\nlog-level = \"info\"\nguests-per-process = 2\n");
  hang_up(daemon);
  EXPECT_TRUE(daemon.wait_for_events("config_read", 1));
  EXPECT_EQ(daemon.events("config_fixed"), 0U) << daemon.troubles();
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(ServeConfig, what_needs_a_new_start_is_named) {
  const ScratchFolder folder;
  const std::string config = folder.file("serve.toml", "target = \"64M\"\n");
  ServeProcess daemon({"--config", config});
  folder.file("serve.toml", "user = \"nobody\"\nmetrics = \"127.0.0.1:9105\"\n");
  hang_up(daemon);
  ASSERT_TRUE(daemon.wait_for_events("config_fixed", 1));
  EXPECT_NE(daemon.troubles().find("changed only by a new start of the daemon: metrics, user"),
            std::string::npos)
      << daemon.troubles();
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(ServeConfig, a_file_with_an_error_changes_nothing) {
  const ScratchFolder folder;
  const std::string config = folder.file("serve.toml", "target = \"64M\"\n");
  ServeProcess daemon({"--config", config});
  folder.file("serve.toml", "target = \"much\"\n");
  hang_up(daemon);
  ASSERT_TRUE(daemon.wait_for_events("config_refused", 1));
  EXPECT_NE(daemon.troubles().find("the options stay as they are"), std::string::npos) << daemon.troubles();
  EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
}  // namespace fallow
