#include "cli/replay/replay_csv.h"

#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"
#include "tests/unit/cli/replay/reports.h"

namespace fallow::cli {
namespace {

std::string rows(bool compared) {
  const ScratchFolder folder;
  const std::string path = folder.path("samples.csv");
  std::string error;
  auto file = OutputFile::open(path, &error);
  ReplayCsv csv(*file, compared);
  csv.sample(sample_at(milliseconds(2500)));
  EXPECT_TRUE(file->close());
  return read_file(path);
}

constexpr const char* kNames =
    "time_s,used_mib,free_mib,reported_mib,resident_mib,reported_ever_mib,refaulted_mib,requests,"
    "linux_resident_mib\n";

TEST(ReplayCsv, names_and_a_row_for_each_sample) {
  EXPECT_EQ(rows(true),
            std::string(kNames) + "2.500000,100.000,300.000,250.000,110.000,400.000,150.000,7,200.000\n");
}

TEST(ReplayCsv, what_was_not_compared_is_empty) {
  EXPECT_EQ(rows(false),
            std::string(kNames) + "2.500000,100.000,300.000,250.000,110.000,400.000,150.000,7,\n");
}

}  // namespace
}  // namespace fallow::cli
