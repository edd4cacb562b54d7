#include "fallow/zone/detail/block_index.h"

#include <gtest/gtest.h>

#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace fallow::detail {
namespace {

using Zeros = BlockIndex::Zeros;

struct Set {
  Set(std::uint32_t blocks, Zeros zeros)
      : storage(new std::atomic<std::uint64_t>[BlockIndex::storage_size(blocks).raw / 8]()),
        index(blocks, zeros, storage.get()) {}
  std::unique_ptr<std::atomic<std::uint64_t>[]> storage;
  BlockIndex index;
};

std::vector<std::uint32_t> members(const BlockIndex& index) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t b = index.find(0); b != kNoBlock; b = index.find(b + 1)) all.push_back(b);
  return all;
}

struct Shape {
  std::uint32_t blocks;
  Zeros zeros;
};

class BlockIndexShape : public testing::TestWithParam<Shape> {
 protected:
  Set set_{GetParam().blocks, GetParam().zeros};
  BlockIndex& index_ = set_.index;
  const std::uint32_t blocks_ = GetParam().blocks;
  const bool starts_full_ = GetParam().zeros == Zeros::Members;
};

TEST_P(BlockIndexShape, StartsFullOrEmpty) {
  EXPECT_EQ(members(index_).size(), starts_full_ ? blocks_ : 0u);
  EXPECT_EQ(index_.find(blocks_), kNoBlock);
  EXPECT_EQ(index_.find_before(0), kNoBlock);
  EXPECT_EQ(index_.find_before(kNoBlock), starts_full_ ? blocks_ - 1 : kNoBlock);
  EXPECT_EQ(index_.words(), (blocks_ + 63) / 64);
}

TEST_P(BlockIndexShape, StorageIsCountedInWords) {
  std::uint64_t words = 0;
  for (std::uint32_t n = blocks_;;) {
    n = (n + 63) / 64;
    words += n;
    if (n == 1) break;
  }
  EXPECT_EQ(BlockIndex::storage_size(blocks_).raw, words * 8);
}

TEST_P(BlockIndexShape, InsertAndRemoveTellWhatWas) {
  for (const std::uint32_t b : {0U, blocks_ / 2, blocks_ - 1}) {
    index_.remove(b);
    EXPECT_FALSE(index_.contains(b));
    EXPECT_FALSE(index_.remove(b));
    EXPECT_TRUE(index_.insert(b));
    EXPECT_FALSE(index_.insert(b));
    EXPECT_TRUE(index_.contains(b));
    EXPECT_EQ(index_.find(b), b);
    EXPECT_TRUE(index_.remove(b));
  }
}

TEST_P(BlockIndexShape, EmptiesAndFillsAgain) {
  for (std::uint32_t b = 0; b < blocks_; ++b) index_.remove(b);
  EXPECT_EQ(index_.find(0), kNoBlock);
  index_.insert(blocks_ - 1);
  EXPECT_EQ(index_.find(0), blocks_ - 1);
  EXPECT_EQ(index_.find_before(blocks_ - 1), kNoBlock);
  index_.insert_all();
  EXPECT_EQ(members(index_).size(), blocks_) << "bits past the end are no members";
}

TEST_P(BlockIndexShape, AgreesWithASet) {
  std::set<std::uint32_t> truth;
  for (const std::uint32_t b : members(index_)) truth.insert(b);
  std::mt19937 random(blocks_);
  for (unsigned i = 0; i < 20000; ++i) {
    const std::uint32_t b = static_cast<std::uint32_t>(random() % blocks_);
    // In runs, so that words and their parents become empty and full.
    const std::uint32_t end = std::min<std::uint32_t>(blocks_, b + static_cast<std::uint32_t>(random() % 90));
    if (random() % 2 == 0) {
      for (std::uint32_t at = b; at < end; ++at) ASSERT_EQ(index_.insert(at), truth.insert(at).second);
    } else {
      for (std::uint32_t at = b; at < end; ++at) ASSERT_EQ(index_.remove(at), truth.erase(at) == 1);
    }
    const std::uint32_t from = static_cast<std::uint32_t>(random() % blocks_);
    const auto next = truth.lower_bound(from);
    ASSERT_EQ(index_.find(from), next == truth.end() ? kNoBlock : *next);
    ASSERT_EQ(index_.find_before(from), next == truth.begin() ? kNoBlock : *std::prev(next));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , BlockIndexShape,
    testing::Values(Shape{1, Zeros::Members}, Shape{1, Zeros::Absent}, Shape{63, Zeros::Members},
                    Shape{63, Zeros::Absent}, Shape{64, Zeros::Members}, Shape{64, Zeros::Absent},
                    Shape{65, Zeros::Members}, Shape{65, Zeros::Absent}, Shape{4096, Zeros::Members},
                    Shape{4096, Zeros::Absent}, Shape{4097, Zeros::Members}, Shape{4097, Zeros::Absent},
                    Shape{300000, Zeros::Members}, Shape{300000, Zeros::Absent}),
    [](const testing::TestParamInfo<Shape>& info) {
      return std::to_string(info.param.blocks) + (info.param.zeros == Zeros::Members ? "Members" : "Absent");
    });

// Threads insert and remove neighbours of each other, in the same words; afterwards every search is exact.
TEST(IndexInvariant, Idx1AQuietSearchIsExactAfterThreadsWereAtWork) {
  constexpr std::uint32_t kBlocks = 4097;
  constexpr unsigned kThreads = 4, kRounds = 4000;
  for (const Zeros zeros : {Zeros::Members, Zeros::Absent}) {
    Set set(kBlocks, zeros);
    for (std::uint32_t b = 0; b < kBlocks; ++b) set.index.remove(b);
    std::vector<std::vector<bool>> mine(kThreads, std::vector<bool>(kBlocks, false));
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(t);
        for (unsigned i = 0; i < kRounds; ++i) {
          // Each thread uses every fourth block; all threads share the words.
          const std::uint32_t b = static_cast<std::uint32_t>(random() % (kBlocks / 256)) * 256 + t;
          const bool in = !mine[t][b];
          mine[t][b] = in;
          ASSERT_TRUE(in ? set.index.insert(b) : set.index.remove(b));
          static_cast<void>(set.index.find(b / 2));
        }
      });
    }
    for (std::thread& t : threads) t.join();
    std::vector<std::uint32_t> expected;
    for (std::uint32_t b = 0; b < kBlocks; ++b) {
      for (unsigned t = 0; t < kThreads; ++t) {
        if (mine[t][b]) expected.push_back(b);
      }
    }
    EXPECT_EQ(members(set.index), expected);
    EXPECT_TRUE(set.index.is_exact());
  }
}

}  // namespace
}  // namespace fallow::detail
