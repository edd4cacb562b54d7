#include "cli/serve/log/serve_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <thread>

#include "cli/serve/serve_events.h"

namespace fallow::cli {
namespace {

// Writes a log to a pipe.
class ServeLogTest : public testing::Test {
 protected:
  ServeLogTest() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC | O_NONBLOCK), 0); }
  ~ServeLogTest() override {
    close(ends_[0]);
    close(ends_[1]);
  }

  std::string written() {
    std::string all;
    char piece[4096];
    for (ssize_t n = 0; (n = read(ends_[0], piece, sizeof piece)) > 0;)
      all.append(piece, static_cast<std::size_t>(n));
    return all;
  }

  int ends_[2] = {-1, -1};
};

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(ServeLogTest, text_for_people) {
  ServeLog log(ends_[1], LogFormat::Text, LogLevel::Info);
  log.write(LogLevel::Warning, "refused", "size 0", {{"guest", std::uint64_t{3}}, {"socket", "/run/a"}});
  const std::string line = written();
  const std::regex form(
      R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning  size 0 \(guest 3, socket /run/a\)\n)");
  EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST_F(ServeLogTest, json_for_programs) {
  ServeLog log(ends_[1], LogFormat::Json, LogLevel::Info);
  log.write(LogLevel::Error, "failed", "a \"quoted\"\nword %v {} \xff", {{"guest", std::uint64_t{3}}});
  const std::string line = written();
  EXPECT_EQ(lines_in(line), 1U) << line;
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object["level"], "error");
  EXPECT_EQ(object["event"], "failed");
  EXPECT_EQ(object["message"], "a \"quoted\"\nword %v {} \xef\xbf\xbd");
  EXPECT_EQ(object["guest"], 3);
  EXPECT_EQ(object["time"].get<std::string>().size(), 24U);
}

TEST_F(ServeLogTest, a_line_stays_a_line) {
  ServeLog log(ends_[1], LogFormat::Text, LogLevel::Info);
  log.write(LogLevel::Info, "x", "two\nlines \x1b[31m %v {}", {{"socket", "a\nb"}});
  const std::string line = written();
  EXPECT_EQ(lines_in(line), 1U);
  EXPECT_NE(line.find(R"(two\x0alines \x1b[31m %v {} (socket a\x0ab))"), std::string::npos) << line;
  log.write(LogLevel::Info, "x", std::string(10000, 'y'));
  const std::string cut = written();
  EXPECT_EQ(cut.size(), 4096U);
  EXPECT_EQ(cut.back(), '\n');
}

TEST_F(ServeLogTest, less_than_wanted_is_left_out) {
  ServeLog log(ends_[1], LogFormat::Text, LogLevel::Warning);
  log.write(LogLevel::Info, "x", "not this");
  log.write(LogLevel::Debug, "x", "nor this");
  EXPECT_EQ(written(), "");
}

TEST_F(ServeLogTest, a_reader_that_is_slow_costs_lines_and_no_time) {
  for (const LogFormat format : {LogFormat::Text, LogFormat::Json}) {
    ServeLog log(ends_[1], format, LogLevel::Info);
    ASSERT_EQ(fcntl(ends_[1], F_SETFL, 0), 0);  // blocking: a write to a full pipe would wait
    for (int i = 0; i < 4000; ++i) log.write(LogLevel::Info, "x", "one of many lines that are not read");
    const std::string before = written();
    log.write(LogLevel::Info, "x", "and one more");
    const std::string after = written();
    EXPECT_LT(lines_in(before), 4000U);
    EXPECT_EQ(lines_in(after), 2U) << after;
    const std::string words =
        std::to_string(4000 - lines_in(before)) + " log lines were dropped: the log was not read";
    EXPECT_NE(after.find(words), std::string::npos) << after;
    if (format == LogFormat::Json) {
      EXPECT_EQ(nlohmann::json::parse(after.substr(0, after.find('\n')))["message"], words);
    }
  }
}

TEST_F(ServeLogTest, a_reader_that_is_gone_does_not_matter) {
  signal(SIGPIPE, SIG_IGN);
  close(ends_[0]);
  ServeLog log(ends_[1], LogFormat::Text, LogLevel::Info);
  log.write(LogLevel::Info, "x", "without a reader");
}

TEST_F(ServeLogTest, a_guest_cannot_fill_it) {
  ServeLog log(ends_[1], LogFormat::Text, LogLevel::Info);
  ServeEvents events(log, {"/run/a"});
  std::size_t lines = 0;
  for (int i = 0; i < 1000; ++i) {
    events.refused(1, "nonsense");
    lines += lines_in(written());
  }
  EXPECT_GE(lines, ServeEvents::kBurst);
  EXPECT_LT(lines, ServeEvents::kBurst + 100);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  events.connected(2, 0);
  const std::string after = written();
  EXPECT_NE(after.find("log lines about guests were dropped"), std::string::npos) << after;
  EXPECT_NE(after.find("guest connected (guest 2, socket /run/a)"), std::string::npos) << after;
}

TEST_F(ServeLogTest, that_the_host_does_not_release_is_said_once) {
  ServeLog log(ends_[1], LogFormat::Text, LogLevel::Info);
  ServeEvents events(log, {"/run/a"});
  for (std::uint64_t guest = 1; guest < 5; ++guest)
    events.guest_event(guest, vhost::BalloonGuestEvents::Kind::NotReleased,
                       "fallocate: not supported; use a memfd");
  const std::string said = written();
  EXPECT_EQ(lines_in(said), 1U) << said;
  EXPECT_NE(said.find("error    fallocate: not supported; use a memfd; this message is logged once"),
            std::string::npos)
      << said;
}

// The message is still logged later if the rate limit dropped it the first time.
TEST_F(ServeLogTest, what_is_said_once_was_written) {
  ServeLog log(ends_[1], LogFormat::Text, LogLevel::Info);
  ServeEvents events(log, {"/run/a"});
  for (unsigned i = 0; i < 2 * ServeEvents::kBurst; ++i) {
    events.refused(1, "nonsense");
    static_cast<void>(written());
  }
  const auto logs = [&] {
    events.guest_event(1, vhost::BalloonGuestEvents::Kind::NotReleased, "not supported");
    return written().find("this message is logged once") != std::string::npos;
  };
  EXPECT_FALSE(logs()) << "the rate limit is reached";
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_TRUE(logs());
  EXPECT_FALSE(logs());
}

}  // namespace
}  // namespace fallow::cli
