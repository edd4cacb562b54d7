#include "cli/term/output_file.h"

#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"

namespace fallow::cli {
namespace {

TEST(OutputFile, everything_arrives) {
  const ScratchFolder folder;
  const std::string path = folder.path("text");
  std::string error;
  auto file = OutputFile::open(path, &error);
  ASSERT_TRUE(file) << error;
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    file->write("a line of text\n");
    expected += "a line of text\n";
  }
  EXPECT_TRUE(file->close());
  EXPECT_TRUE(file->close());
  EXPECT_EQ(read_file(path), expected);
}

TEST(OutputFile, cannot_be_opened) {
  std::string error;
  EXPECT_FALSE(OutputFile::open("/no/such/folder/x.json", &error));
  EXPECT_EQ(error, "/no/such/folder/x.json: cannot write: No such file or directory");
}

TEST(OutputFile, cannot_be_written) {
  std::string error;
  auto file = OutputFile::open("/dev/full", &error);
  if (!file) GTEST_SKIP() << error;
  file->write("text");
  EXPECT_FALSE(file->close());
  EXPECT_EQ(file->error(), "/dev/full: cannot write: No space left on device");
}

}  // namespace
}  // namespace fallow::cli
