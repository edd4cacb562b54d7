#include "cli/serve/log/log_relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>

#include "tests/support/scratch_folder.h"

namespace fallow::cli {
namespace {

class LogRelayTest : public testing::Test {
 protected:
  LogRelayTest() : file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    writing_ = ends[1];
    log_ = std::make_unique<ServeLog>(file_, LogFormat::Text, LogLevel::Info);
    relay_ = std::make_unique<LogRelay>(UniqueFd(ends[0]), 7, *log_);
  }
  ~LogRelayTest() override {
    if (writing_ >= 0) close(writing_);
    close(file_);
  }
  void send(const std::string& text) {
    EXPECT_EQ(write(writing_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    EXPECT_TRUE(relay_->pass_on());
  }
  std::string written() const { return read_file(path_); }

  const ScratchFolder folder_;
  const std::string path_ = folder_.path("log");
  const int file_;
  int writing_ = -1;
  std::unique_ptr<ServeLog> log_;
  std::unique_ptr<LogRelay> relay_;
};

TEST_F(LogRelayTest, passes_on_whole_lines_as_they_are) {
  send("one\ntw");
  EXPECT_EQ(written(), "one\n");
  send("o\n");
  EXPECT_EQ(written(), "one\ntwo\n");
  EXPECT_TRUE(relay_->pass_on()) << "no data yet";
  close(writing_);
  writing_ = -1;
  EXPECT_FALSE(relay_->pass_on()) << "end of the pipe";
}

TEST_F(LogRelayTest, a_guest_fills_the_log_only_so_far) {
  const std::string line(999, 'x');
  for (std::size_t i = 0; i < 4 * LogRelay::kBurst / 1000; ++i) send(line + "\n");
  EXPECT_LE(written().size(), LogRelay::kBurst + LogRelay::kBytesASecond);
  EXPECT_GE(written().size(), LogRelay::kBurst - 1000);
}

TEST_F(LogRelayTest, what_is_no_line_is_counted) {
  send(std::string(PIPE_BUF, 'x'));
  send("x");
  send("end\nnext\n");
  EXPECT_EQ(written().find("xxx"), std::string::npos);
  EXPECT_NE(written().find("1 log lines about a guest were dropped (guest 7)\nend\nnext\n"),
            std::string::npos)
      << written();
}

}  // namespace
}  // namespace fallow::cli
