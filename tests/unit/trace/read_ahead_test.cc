#include "trace/source/read_ahead.h"

#include <gtest/gtest.h>

#include "tests/unit/trace/sources.h"

namespace fallow::trace {
namespace {

// A source that ReadAhead reads on a thread.
class FileLikeSource : public TextSource {
 public:
  using TextSource::TextSource;
  std::optional<double> progress() const override { return 0.5; }
};

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + ' ';
  return text;
}

// Reads to the end and keeps the last `keep` bytes for each next call.
std::string take_all(ReadAhead& blocks, std::size_t keep) {
  std::string out;
  std::span<const char> kept;
  for (;;) {
    const std::span<const char> block = blocks.next(kept);
    if (block.size() == kept.size()) break;
    const std::size_t used = block.size() - std::min(keep, block.size());
    out.append(block.data(), used);
    kept = block.subspan(used);
  }
  return out.append(kept.data(), kept.size());
}

TEST(ReadAhead, same_bytes_with_and_without_thread) {
  const std::string text = numbers(400000);
  for (const std::size_t chunk : {std::size_t{4099}, ReadAhead::kBlockSize, SIZE_MAX}) {
    for (const std::size_t keep : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, ReadAhead::kKeepMax}) {
      ReadAhead threaded(std::make_unique<FileLikeSource>(text, chunk));
      EXPECT_TRUE(take_all(threaded, keep) == text);
      ReadAhead plain(std::make_unique<TextSource>(text, chunk));
      EXPECT_TRUE(take_all(plain, keep) == text);
    }
  }
}

TEST(ReadAhead, error_after_the_end) {
  ReadAhead blocks(std::make_unique<FileLikeSource>("text", 2, "it broke"));
  EXPECT_EQ(take_all(blocks, 0), "text");
  EXPECT_EQ(blocks.error(), "it broke");
  EXPECT_TRUE(blocks.next({}).empty());
}

TEST(ReadAhead, dropped_at_any_moment) {
  for (int taken = 0; taken < 6; ++taken) {
    ReadAhead blocks(std::make_unique<FileLikeSource>(std::string(std::size_t{8} << 20, 'x')));
    for (int i = 0; i < taken; ++i) EXPECT_EQ(blocks.next({}).size(), ReadAhead::kBlockSize);
  }
}

}  // namespace
}  // namespace fallow::trace
