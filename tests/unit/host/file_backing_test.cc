#include "fallow/host/file_backing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fallow::detail {
namespace {

// A memory file that another process owns.
class MemfdFile {
 public:
  explicit MemfdFile(std::size_t size) : fd_(memfd_create("test", MFD_CLOEXEC)) {
    EXPECT_EQ(ftruncate(fd_, static_cast<off_t>(size)), 0);
  }
  ~MemfdFile() { close(fd_); }
  int fd() const { return fd_; }
  std::uint64_t blocks() const {
    struct stat s {};
    EXPECT_EQ(fstat(fd_, &s), 0);
    return static_cast<std::uint64_t>(s.st_blocks) * 512;
  }
  void shorten(std::size_t size) { ASSERT_EQ(ftruncate(fd_, static_cast<off_t>(size)), 0); }

 private:
  int fd_;
};

std::unique_ptr<FileBacking> make(const MemfdFile& file, std::uint64_t offset, std::uint64_t length) {
  auto made = FileBacking::create(file.fd(), {offset}, {length});
  EXPECT_TRUE(made) << made.error;
  return std::move(made.object);
}

TEST(FileBacking, DiscardPunchesTheFileAndOnlyThere) {
  const MemfdFile file(64 * 4096);
  const auto backing = make(file, 16 * 4096, 32 * 4096);
  EXPECT_EQ(backing->first().raw, 16u);
  EXPECT_EQ(backing->size().raw, 32u);
  std::memset(backing->address({16}), 0x5a, 32 * 4096);
  EXPECT_EQ(file.blocks(), 32u * 4096);
  EXPECT_EQ(backing->resident().value().raw, 32u);
  ASSERT_EQ(backing->discard({20}, {8}), Status::Ok);
  EXPECT_EQ(file.blocks(), 24u * 4096);
  EXPECT_EQ(backing->resident().value().raw, 24u);
  EXPECT_EQ(*backing->address({20}), std::byte{0});
  EXPECT_EQ(*backing->address({19}), std::byte{0x5a});
  EXPECT_EQ(*backing->address({28}), std::byte{0x5a});
  EXPECT_EQ(backing->discard({15}, {2}), Status::OutsideZone);
  EXPECT_EQ(backing->discard({47}, {2}), Status::OutsideZone);
}

TEST(FileBacking, TheOwnersOffsetStays) {
  const MemfdFile file(64 * 4096);
  ASSERT_EQ(lseek(file.fd(), 12345, SEEK_SET), 12345);
  const auto backing = make(file, 0, 64 * 4096);
  EXPECT_TRUE(backing->resident().ok());
  EXPECT_EQ(lseek(file.fd(), 0, SEEK_CUR), 12345);
}

// The backing ends where the file ends.
TEST(FileBacking, IsCutToTheFile) {
  const MemfdFile file(10 * 4096 + 100);
  EXPECT_EQ(make(file, 0, 100 * 4096)->size().raw, 10u);
  EXPECT_EQ(make(file, 9 * 4096, ~std::uint64_t{0} >> 3)->size().raw, 1u);
}

TEST(FileBacking, WhatIsNoMemoryIsRefused) {
  const MemfdFile file(10 * 4096);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const int directory = open("/", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {ends[0], directory, null, -1})
    EXPECT_FALSE(FileBacking::create(fd, {0}, {4096}).error.empty());
  for (const int fd : {ends[0], ends[1], directory, null}) close(fd);
  EXPECT_FALSE(FileBacking::create(file.fd(), {100}, {4096}));
  EXPECT_FALSE(FileBacking::create(file.fd(), {10 * 4096}, {4096}));
  EXPECT_FALSE(FileBacking::create(file.fd(), {~std::uint64_t{4095}}, {4096}));
  EXPECT_FALSE(FileBacking::create(file.fd(), {0}, {0}));
  EXPECT_FALSE(FileBacking::create(file.fd(), {0}, {4095}));
  const std::string name = "/proc/self/fd/" + std::to_string(file.fd());
  const int reading = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_FALSE(FileBacking::create(reading, {0}, {4096}));
  close(reading);
}

// The owner truncates the file while the backing uses it.
TEST(FileBacking, AShortenedFileCostsTheBackingOnly) {
  MemfdFile file(64 * 4096);
  const MemfdFile other_file(4096);
  const auto backing = make(file, 0, 64 * 4096), other = make(other_file, 0, 4096);
  *backing->address({50}) = std::byte{1};
  file.shorten(32 * 4096);
  EXPECT_FALSE(backing->lost());
  volatile std::byte& gone = *backing->address({50});
  EXPECT_EQ(std::byte{gone}, std::byte{0});
  EXPECT_TRUE(backing->lost());
  gone = std::byte{2};
  *backing->address({0}) = std::byte{3};
  EXPECT_FALSE(other->lost());
  *other->address({0}) = std::byte{4};
}

// Touches a page beyond the end of a file, through an unguarded mapping.
void touch_unguarded() {
  const MemfdFile guarded(4096);
  MemfdFile file(4096);
  const auto backing = make(guarded, 0, 4096);
  void* const mapped = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0);
  file.shorten(0);
  *static_cast<volatile char*>(mapped) = 1;
}

TEST(GuardedMappingDeathTest, ABusErrorElsewhereStillKills) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(touch_unguarded(), "");
}

TEST(GuardedMapping, SlotsAreUsedAgain) {
  const MemfdFile file(4096);
  for (std::size_t i = 0; i < 2 * GuardedMapping::kMost; ++i)
    ASSERT_TRUE(GuardedMapping::create(file.fd(), {0}, {4096}));
}

}  // namespace
}  // namespace fallow::detail
