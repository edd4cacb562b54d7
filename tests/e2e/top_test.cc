// End-to-end tests of `fallow ctl` and `fallow top` against a control socket with fake guests.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/control/control_server.h"
#include "tests/e2e/cli_process.h"
#include "tests/support/control_socket.h"
#include "tests/support/fake_desk.h"

namespace fallow {
namespace {

class Seeing : public testing::Test {
 protected:
  Seeing() {
    house_.guests = {snapshot_of(1), snapshot_of(2)};
    auto made = cli::serve_control(listening_.file(), std::make_unique<FakeDesk>(house_),
                                   {"/run/a.sock", "/run/b.sock"});
    EXPECT_TRUE(made) << made.error;
    server_ = std::move(made.object);
  }

  CliOutcome ctl(std::vector<std::string> words) {
    words.insert(words.begin(), {"ctl", "--control", listening_.path()});
    return run_cli(words);
  }
  std::vector<std::string> done() {
    const std::lock_guard lock(house_.mutex);
    return house_.done;
  }

  FakeHouse house_;
  ListeningPath listening_;
  std::unique_ptr<cli::RequestServer> server_;
};

using Ctl = Seeing;

TEST_F(Ctl, list_for_people_and_for_programs) {
  const CliOutcome table = ctl({"list"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_NE(table.out.find("    1  /run/a.sock  serving     512 MiB    100 MiB    3.5 MiB    3.9 MiB"),
            std::string::npos)
      << table.out;
  const CliOutcome json = ctl({"list", "--json"});
  EXPECT_EQ(json.status, 0) << json.err;
  const auto object = nlohmann::json::parse(json.out, nullptr, false);
  ASSERT_TRUE(object.is_object()) << json.out;
  EXPECT_EQ(object.at("guests").at(1).at("socket"), "/run/b.sock");
}

TEST_F(Ctl, steers) {
  EXPECT_EQ(ctl({"target", "2", "64M"}).out, "Guest 2: the balloon's target is 64 MiB.\n");
  EXPECT_EQ(ctl({"pause", "all"}).status, 0);
  EXPECT_EQ(ctl({"resume", "1"}).status, 0);
  EXPECT_EQ(done(), (std::vector<std::string>{"target 2 16384", "pause 0 1", "pause 1 0"}));
}

TEST_F(Ctl, a_target_may_be_a_part_of_the_memory) {
  const CliOutcome all = ctl({"target", "all", "25%"});
  EXPECT_EQ(all.out, "All guests: the balloon's target is 25 % of the memory.\n");
  EXPECT_EQ(done(), (std::vector<std::string>{"target 1 32768", "target 2 32768"}));
}

TEST_F(Ctl, a_target_beyond_what_the_guest_can_give_is_a_warning) {
  const CliOutcome outcome = ctl({"target", "2", "400M"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "Guest 2: the balloon's target is 400 MiB.\n");
  EXPECT_EQ(outcome.err,
            "fallow ctl: warning: guest 2 can give about 3.5 MiB now, and its target is 400 MiB\n");
}

TEST_F(Ctl, the_path_may_come_from_the_environment) {
  const CliOutcome outcome = run_cli({"ctl", "statistics", "1"}, {"FALLOW_CONTROL=" + listening_.path()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("Guest 1, serving, on /run/a.sock\n"), 0U) << outcome.out;
}

TEST_F(Ctl, a_full_disk_is_noticed) {
  const std::string why = "No space left on device\n";
  for (const char* json : {"", "--json"}) {
    std::vector<std::string> words = {"ctl", "--control", listening_.path(), "list"};
    if (*json != '\0') words.emplace_back(json);
    const CliOutcome outcome = run_cli_into_full_disk(words);
    EXPECT_EQ(outcome.status, 1) << json;
    EXPECT_EQ(outcome.err, "fallow ctl: cannot write the answer: " + why) << json;
  }
  const CliOutcome top = run_cli_into_full_disk({"top", "--control", listening_.path()});
  EXPECT_EQ(top.status, 1);
  EXPECT_EQ(top.err, "fallow top: cannot write the table: " + why);
}

TEST_F(Ctl, errors_and_exit_statuses) {
  const struct {
    std::vector<std::string> words;
    int status;
    const char* says;
  } cases[] = {
      {{}, 2, "fallow ctl: expected an action: list,"},
      {{"stop"}, 2, "fallow ctl: unknown action 'stop'; expected list,"},
      {{"lisst"}, 2, "fallow ctl: unknown action 'lisst'; did you mean 'list'?\n"},
      {{"target", "1", "much"}, 2, "fallow ctl: SIZE 'much': expected a size with its unit, from 0"},
      {{"target", "1", "12"}, 2, "fallow ctl: SIZE '12': expected a size with its unit, from 0"},
      {{"target", "1", "1G"},
       1,
       "fallow ctl: target 1,024 MiB of guest 1: expected at most its memory, 512 MiB; "},
      {{"list", "--frob"}, 2, "fallow ctl: unknown option '--frob'\n"},
      {{"pause", "9"}, 1, "fallow ctl: there is no guest 9; "},
  };
  for (const auto& one : cases) {
    const CliOutcome outcome = ctl(one.words);
    EXPECT_EQ(outcome.status, one.status) << outcome.err;
    EXPECT_EQ(outcome.err.find(one.says), 0U) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  server_.reset();
  listening_.close_file();
  const CliOutcome gone = ctl({"list"});
  EXPECT_EQ(gone.status, 1);
  EXPECT_EQ(gone.err, "fallow ctl: no daemon answers at " + listening_.path() +
                          ": no process listens on this socket; a daemon left it behind\n");
}

// `fallow top` on a terminal of 80 columns and 24 rows.
class TopProcess {
 public:
  explicit TopProcess(const std::string& control) {
    const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    child_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (child_ == 0) {
      setenv("TERM", "xterm-256color", 1);
      setenv("LC_ALL", "C.UTF-8", 1);
      unsetenv("LINES");
      unsetenv("COLUMNS");
      execl(FALLOW_PROGRAM, FALLOW_PROGRAM, "top", "--control", control.c_str(), "--interval", "100ms",
            static_cast<char*>(nullptr));
      _exit(127);
    }
    EXPECT_GT(child_, 0);
  }
  ~TopProcess() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    close(terminal_);
  }
  TopProcess(const TopProcess&) = delete;
  TopProcess& operator=(const TopProcess&) = delete;

  // Reads until `text` has appeared after the end of the last match.
  bool wait_for(const std::string& text) {
    while (screen_.find(text, seen_) == std::string::npos)
      if (!read_more()) return false;
    seen_ = screen_.find(text, seen_) + text.size();
    return true;
  }
  void type(const std::string& keys) {
    EXPECT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void send_signal(int number) { ::kill(child_, number); }
  void resize(unsigned short columns, unsigned short rows) {
    const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(ioctl(terminal_, TIOCSWINSZ, &size), 0);
  }
  // Waits for the end. Returns the exit status, or -1 after a signal.
  int finish() {
    while (read_more()) {
    }
    int status = 0;
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& screen() const { return screen_; }
  // True if the program switched to the alternate screen and back.
  bool restored() const {
    const std::size_t there = screen_.find("\x1b[?1049h");
    return there != std::string::npos && screen_.find("\x1b[?1049l", there) != std::string::npos;
  }

 private:
  bool read_more() {
    pollfd file = {terminal_, POLLIN, 0};
    if (poll(&file, 1, 10'000) != 1) return false;
    std::array<char, 4096> piece{};
    const ssize_t count = read(terminal_, piece.data(), piece.size());
    if (count > 0) screen_.append(piece.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  pid_t child_ = -1;
  int terminal_ = -1;
  std::string screen_;
  std::size_t seen_ = 0;
};

using Top = Seeing;

TEST_F(Top, shows_the_guests_and_ends_with_q) {
  FALLOW_NEEDS_TERMINAL();
  TopProcess top(listening_.path());
  EXPECT_TRUE(top.wait_for("fallow top"));
  EXPECT_TRUE(top.wait_for("/run/a.sock")) << top.screen();
  EXPECT_TRUE(top.wait_for("serving"));
  EXPECT_TRUE(top.wait_for("██"));
  top.type("q");
  EXPECT_EQ(top.finish(), 0);
  EXPECT_TRUE(top.restored()) << top.screen();
}

TEST_F(Top, keys_reach_the_daemon) {
  FALLOW_NEEDS_TERMINAL();
  TopProcess top(listening_.path());
  EXPECT_TRUE(top.wait_for("q quit"));
  top.type("p");
  EXPECT_TRUE(top.wait_for("paused"));  // state of the guest
  EXPECT_TRUE(top.wait_for("Guest 1: paused"));
  top.type("\x1bOB+");
  EXPECT_TRUE(top.wait_for("Guest 2: the balloon's target is 36 MiB"));
  top.type("q");
  EXPECT_EQ(top.finish(), 0);
  EXPECT_EQ(done(), (std::vector<std::string>{"pause 1 1", "target 2 9192"}));
}

TEST_F(Top, follows_the_size_of_its_terminal) {
  FALLOW_NEEDS_TERMINAL();
  TopProcess top(listening_.path());
  EXPECT_TRUE(top.wait_for("q quit"));
  top.resize(160, 50);
  EXPECT_TRUE(top.wait_for("RELEASED")) << top.screen();
  top.resize(20, 3);
  top.resize(1, 1);
  top.resize(80, 24);
  EXPECT_TRUE(top.wait_for("q quit"));
  top.type("q");
  EXPECT_EQ(top.finish(), 0);
}

TEST_F(Top, leaves_the_terminal_as_it_was_when_a_signal_ends_it) {
  FALLOW_NEEDS_TERMINAL();
  for (const int number : {SIGTERM, SIGHUP, SIGINT}) {
    TopProcess top(listening_.path());
    EXPECT_TRUE(top.wait_for("q quit"));
    if (number == SIGINT)
      top.type("\x03");
    else
      top.send_signal(number);
    EXPECT_EQ(top.finish(), 128 + number);
    EXPECT_TRUE(top.restored());
  }
}

TEST_F(Top, waits_for_a_daemon_that_went) {
  FALLOW_NEEDS_TERMINAL();
  TopProcess top(listening_.path());
  EXPECT_TRUE(top.wait_for("q quit"));
  server_.reset();
  EXPECT_TRUE(top.wait_for("has ended"));
  auto again = cli::serve_control(listening_.file(), std::make_unique<FakeDesk>(house_));
  EXPECT_TRUE(top.wait_for("q quit"));
  top.type("q");
  EXPECT_EQ(top.finish(), 0);
}

TEST_F(Top, without_a_terminal_it_prints_one_table) {
  const CliOutcome outcome = run_cli({"top", "--control", listening_.path()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, ctl({"list"}).out);
}

TEST_F(Top, an_interval_without_a_terminal_has_no_effect) {
  const CliOutcome outcome = run_cli({"top", "--control", listening_.path(), "--interval", "1s"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err.find("fallow top: --interval has no effect: "), 0U) << outcome.err;
}

TEST_F(Top, errors) {
  EXPECT_EQ(run_cli({"top", "--control", "/nonexistent/x"}).status, 1);
  const CliOutcome outcome = run_cli({"top", "--interval", "1"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err,
            "fallow top: --interval '1': expected a time with a unit, from 100ms to 1h, such as 500ms or "
            "2s\nTry 'fallow top --help'.\n");
}

}  // namespace
}  // namespace fallow
