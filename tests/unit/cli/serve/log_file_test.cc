#include "cli/serve/log/log_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/scratch_folder.h"

namespace fallow::cli {
namespace {

class LogFileTest : public testing::Test {
 protected:
  LogFileTest() {
    std::string error;
    EXPECT_TRUE(log_.open(path_, &error)) << error;
  }
  ~LogFileTest() override { close(log_.file()); }
  void write_line() { EXPECT_EQ(write(log_.file(), "line\n", 5), 5); }

  const ScratchFolder folder_;
  const std::string path_ = folder_.path("log");
  LogFile log_;
};

TEST_F(LogFileTest, begins_anew_where_the_old_one_was_put_away) {
  write_line();
  const int before = log_.file();
  std::filesystem::rename(path_, path_ + ".1");
  log_.reopen();
  EXPECT_EQ(log_.file(), before);
  write_line();
  EXPECT_EQ(std::filesystem::file_size(path_), 5U);
  EXPECT_EQ(std::filesystem::file_size(path_ + ".1"), 5U);
}

// A daemon of root must not write to a file that the owner of the folder chooses.
TEST_F(LogFileTest, does_not_follow_a_link_that_was_put_there) {
  std::filesystem::rename(path_, path_ + ".1");
  std::filesystem::create_symlink(folder_.path("elsewhere"), path_);
  log_.reopen();
  write_line();
  EXPECT_FALSE(std::filesystem::exists(folder_.path("elsewhere")));
  EXPECT_EQ(std::filesystem::file_size(path_ + ".1"), 5U);
}

TEST_F(LogFileTest, does_not_wait_for_a_pipe_that_was_put_there) {
  std::filesystem::rename(path_, path_ + ".1");
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  log_.reopen();
  write_line();
  EXPECT_EQ(std::filesystem::file_size(path_ + ".1"), 5U);
}

TEST(LogFile, says_why_it_cannot_be_opened) {
  LogFile log;
  std::string error;
  EXPECT_FALSE(log.open("/nowhere/log", &error));
  EXPECT_EQ(error, "--log /nowhere/log: cannot write: No such file or directory");
}

}  // namespace
}  // namespace fallow::cli
