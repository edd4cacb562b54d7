#include "fallow/host/detail/release_error.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "fallow/host/file_backing.h"

namespace fallow::detail {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ReleaseError, names_the_call_the_error_and_what_helps) {
  EXPECT_EQ(
      release_error_text("fallocate(FALLOC_FL_PUNCH_HOLE)", EOPNOTSUPP),
      "fallocate(FALLOC_FL_PUNCH_HOLE): Operation not supported: the filesystem of the guest's memory cannot "
      "release parts of a file; let the front-end take memory from a memfd or a tmpfs");
  EXPECT_EQ(release_error_text("fallocate(FALLOC_FL_PUNCH_HOLE)", EIO),
            "fallocate(FALLOC_FL_PUNCH_HOLE): Input/output error");
}

// A seal cannot be removed, so the text must not suggest removing it.
TEST(ReleaseError, a_sealed_file) {
  const int file = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_GE(file, 0);
  ASSERT_EQ(ftruncate(file, 1 << 20), 0);
  auto made = FileBacking::create(file, {0}, {1 << 20});
  ASSERT_TRUE(made) << made.error;
  constexpr int kFutureWrite = 0x0010;  // F_SEAL_FUTURE_WRITE
  ASSERT_EQ(fcntl(file, F_ADD_SEALS, kFutureWrite), 0);
  EXPECT_EQ(made.object->discard(Pfn{0}, PfnCount{1}), Status::Failed);
  const std::string words = made.object->release_error();
  EXPECT_TRUE(has(words, "fallocate(FALLOC_FL_PUNCH_HOLE): Operation not permitted")) << words;
  EXPECT_TRUE(has(words, "F_SEAL_FUTURE_WRITE")) << words;
  EXPECT_TRUE(has(words, "create the file without these seals")) << words;
  EXPECT_FALSE(has(words, "off")) << words;
  made.object.reset();
  close(file);
}

// A hole can be punched into a file even if a process has locked its pages.
TEST(ReleaseError, there_is_none_for_a_file_of_locked_memory) {
  const int file = memfd_create("guest", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  ASSERT_EQ(ftruncate(file, 1 << 20), 0);
  void* const monitor = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ASSERT_NE(monitor, MAP_FAILED);
  auto* const bytes_of_monitor = static_cast<volatile char*>(monitor);
  bytes_of_monitor[0] = 1;
  if (mlock(monitor, 1 << 20) != 0) GTEST_SKIP() << "may not lock memory here";
  auto made = FileBacking::create(file, {0}, {1 << 20});
  ASSERT_TRUE(made) << made.error;
  EXPECT_EQ(made.object->discard(Pfn{0}, PfnCount{256}), Status::Ok);
  EXPECT_EQ(bytes_of_monitor[0], 0);
  made.object.reset();
  munmap(monitor, 1 << 20);
  close(file);
}

}  // namespace
}  // namespace fallow::detail
