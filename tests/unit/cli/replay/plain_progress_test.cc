#include "cli/replay/plain_progress.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "tests/unit/cli/replay/reports.h"

namespace fallow::cli {
namespace {

TEST(PlainProgress, words) {
  EXPECT_EQ(progress_words(sample_at(seconds(5))),
            "50 %, 5.00 s of 10.0 s: used 100 MiB, free 300 MiB, reported 250 MiB, resident 110 MiB");
  replay::ReplaySample sample = sample_at(seconds(5));
  sample.end = {};
  EXPECT_TRUE(progress_words(sample).starts_with("5.00 s: used 100 MiB")) << progress_words(sample);
}

TEST(PlainProgress, a_line_for_each_tenth) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  PlainProgress progress(ends[1]);
  progress.scanning(0.5);
  for (std::uint64_t ms = 0; ms <= 10'000; ms += 50) progress.sample(sample_at(milliseconds(ms)));
  close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t size = read(ends[0], text.data(), text.size());
  close(ends[0]);
  ASSERT_GT(size, 0);
  text.resize(static_cast<std::size_t>(size));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
  EXPECT_TRUE(text.starts_with("10 %,")) << text;
}

}  // namespace
}  // namespace fallow::cli
