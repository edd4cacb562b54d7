#include "fallow/host/memfd_backing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tests/unit/host/memory_probe.h"

namespace fallow::detail {
namespace {

constexpr Pfn kFirst{1000};

std::unique_ptr<MemfdBacking> make(PfnCount size) {
  auto made = MemfdBacking::create(kFirst, size);
  EXPECT_TRUE(made) << made.error;
  return std::move(made.object);
}

PfnCount resident(Backing& backing) {
  const Result<PfnCount> answer = backing.resident();
  EXPECT_TRUE(answer.ok());
  return answer.value();
}

// Replaces the backing's file with something that is not a memory file.
void break_file(MemfdBacking& backing) {
  const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(other, 0);
  ASSERT_EQ(dup2(other, backing.fd()), backing.fd());
  close(other);
}

TEST(MemfdBacking, DiscardLowersResidencyAndReadsAsZero) {
  auto backing = make(PfnCount{1024});
  EXPECT_EQ(backing->content_after(), Content::Zero);
  EXPECT_EQ(resident(*backing), PfnCount{0});
  fill(*backing, kFirst, PfnCount{1024}, 0x5A);
  EXPECT_EQ(resident(*backing), PfnCount{1024});
  ASSERT_EQ(backing->discard(kFirst + PfnCount{10}, PfnCount{300}), Status::Ok);
  EXPECT_EQ(resident(*backing), PfnCount{724});
  EXPECT_TRUE(holds(*backing, kFirst, PfnCount{10}, 0x5A));
  EXPECT_TRUE(holds(*backing, kFirst + PfnCount{10}, PfnCount{300}, 0));
  EXPECT_TRUE(holds(*backing, kFirst + PfnCount{310}, PfnCount{714}, 0x5A));
}

TEST(MemfdBacking, DiscardReachesAnotherMappingOfTheFile) {
  auto backing = make(PfnCount{4});
  void* const other = mmap(nullptr, 4 * kFrameSize, PROT_READ | PROT_WRITE, MAP_SHARED, backing->fd(), 0);
  ASSERT_NE(other, MAP_FAILED);
  std::memset(other, 0x33, 4 * kFrameSize);
  EXPECT_TRUE(holds(*backing, kFirst, PfnCount{4}, 0x33));
  ASSERT_EQ(backing->discard(kFirst, PfnCount{3}), Status::Ok);
  EXPECT_EQ(resident(*backing), PfnCount{1});
  EXPECT_EQ(static_cast<const char*>(other)[0], 0);
  munmap(other, 4 * kFrameSize);
}

TEST(MemfdBacking, DiscardOfTheLastFrameKeepsTheSize) {
  auto backing = make(PfnCount{4});
  fill(*backing, kFirst, PfnCount{4}, 1);
  ASSERT_EQ(backing->discard(kFirst + PfnCount{3}, PfnCount{1}), Status::Ok);
  EXPECT_EQ(lseek(backing->fd(), 0, SEEK_END), static_cast<off_t>(4 * kFrameSize));
  fill(*backing, kFirst + PfnCount{3}, PfnCount{1}, 2);
  EXPECT_TRUE(holds(*backing, kFirst + PfnCount{3}, PfnCount{1}, 2));
}

TEST(MemfdBacking, RangesOutsideAreRefused) {
  auto backing = make(PfnCount{4});
  fill(*backing, kFirst, PfnCount{4}, 1);
  EXPECT_EQ(backing->discard(kFirst + PfnCount{3}, PfnCount{2}), Status::OutsideZone);
  EXPECT_EQ(backing->discard(Pfn{999}, PfnCount{1}), Status::OutsideZone);
  EXPECT_EQ(resident(*backing), PfnCount{4});
}

TEST(MemfdBacking, NobodyCanShrinkTheFile) {
  auto backing = make(PfnCount{4});
  EXPECT_NE(ftruncate(backing->fd(), 0), 0);
  EXPECT_EQ(errno, EPERM);
}

TEST(MemfdBacking, ARefusedDiscardIsAFailureWithItsErrno) {
  auto backing = make(PfnCount{4});
  break_file(*backing);
  EXPECT_EQ(backing->discard(kFirst, PfnCount{1}), Status::Failed);
  EXPECT_EQ(backing->last_error(), EBADF);
  EXPECT_EQ(backing->counts().failures, 1u);
}

TEST(MemfdBacking, RefusesSizesThatCannotBe) {
  EXPECT_NE(MemfdBacking::create(kFirst, PfnCount{0}).error, "");
  EXPECT_NE(MemfdBacking::create(kFirst, PfnCount{~std::uint64_t{0}}).error, "");
  EXPECT_NE(MemfdBacking::create(Pfn{~std::uint64_t{0}}, PfnCount{2}).error, "");
}

TEST(MemfdBacking, PopulatingBringsInNothingThatWasDiscarded) {
  auto backing = make(PfnCount{64});
  fill(*backing, kFirst, PfnCount{64}, 0x5A);
  ASSERT_EQ(backing->discard(kFirst, PfnCount{32}), Status::Ok);
  EXPECT_EQ(backing->populate(kFirst, PfnCount{64}), Status::Ok);
  EXPECT_EQ(resident(*backing), PfnCount{32});
  EXPECT_TRUE(holds(*backing, kFirst, PfnCount{32}, 0));
  EXPECT_TRUE(holds(*backing, kFirst + PfnCount{32}, PfnCount{32}, 0x5A));
  EXPECT_EQ(backing->populate(kFirst, PfnCount{65}), Status::OutsideZone);
  EXPECT_EQ(backing->populate(kFirst, PfnCount{0}), Status::OutsideZone);
}

// Punching part of a huge page would zero it and free nothing, and the kernel would report success.
TEST(MemfdBacking, HugePagesGoBackWhole) {
  constexpr PfnCount kPage{512};
  auto made = MemfdBacking::create(Pfn{512}, PfnCount{1024}, MemfdBacking::Pages::Huge);
  if (!made) GTEST_SKIP() << "no huge pages: " << made.error;
  MemfdBacking& backing = *made.object;
  EXPECT_EQ(backing.page(), kPage);
  fill(backing, Pfn{512}, PfnCount{1024}, 0x5A);
  EXPECT_EQ(resident(backing), PfnCount{1024});
  EXPECT_EQ(backing.discard(Pfn{512}, PfnCount{256}), Status::Misaligned);
  EXPECT_TRUE(holds(backing, Pfn{512}, PfnCount{1024}, 0x5A));
  EXPECT_EQ(backing.discard(Pfn{1024}, kPage), Status::Ok);
  EXPECT_EQ(resident(backing), kPage);
  EXPECT_TRUE(holds(backing, Pfn{512}, kPage, 0x5A));
  EXPECT_TRUE(holds(backing, Pfn{1024}, kPage, 0));
}

TEST(MemfdBacking, HugePagesMustFit) {
  for (const auto& [first, size] : {std::pair{Pfn{1}, PfnCount{512}}, {Pfn{512}, PfnCount{513}}})
    EXPECT_NE(MemfdBacking::create(first, size, MemfdBacking::Pages::Huge).error.find("2 MiB"),
              std::string::npos);
}

TEST(MemfdBacking, SaysWhichLimitIsInTheWay) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto made = MemfdBacking::create(kFirst, PfnCount{512});
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(made);
  EXPECT_NE(made.error.find("2 MiB"), std::string::npos) << made.error;
  EXPECT_NE(made.error.find("ulimit -f"), std::string::npos) << made.error;
}

}  // namespace
}  // namespace fallow::detail
