#include "fallow/host/anonymous_backing.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/unit/host/memory_probe.h"

namespace fallow::detail {
namespace {

using Release = AnonymousOptions::Release;
using HugePages = AnonymousOptions::HugePages;

constexpr Pfn kFirst{1000};

std::unique_ptr<AnonymousBacking> make(PfnCount size, Release release = Release::DontNeed,
                                       HugePages huge = HugePages::Never) {
  auto made = AnonymousBacking::create({kFirst, size, release, huge});
  EXPECT_TRUE(made) << made.error;
  return std::move(made.object);
}

PfnCount resident(Backing& backing) {
  const Result<PfnCount> answer = backing.resident();
  EXPECT_TRUE(answer.ok());
  return answer.value();
}

TEST(AnonymousBacking, NothingIsResidentBeforeItIsTouched) {
  auto backing = make(PfnCount{100'000});
  EXPECT_EQ(resident(*backing), PfnCount{0});
  fill(*backing, kFirst + PfnCount{99'999}, PfnCount{1}, 1);
  EXPECT_EQ(resident(*backing), PfnCount{1});
}

TEST(AnonymousBacking, DiscardLowersResidencyAndReadsAsZero) {
  auto backing = make(PfnCount{1024});
  EXPECT_EQ(backing->content_after(), Content::Zero);
  fill(*backing, kFirst, PfnCount{1024}, 0x5A);
  EXPECT_EQ(resident(*backing), PfnCount{1024});
  ASSERT_EQ(backing->discard(kFirst + PfnCount{10}, PfnCount{300}), Status::Ok);
  EXPECT_EQ(resident(*backing), PfnCount{724});
  EXPECT_TRUE(holds(*backing, kFirst, PfnCount{10}, 0x5A));
  EXPECT_TRUE(holds(*backing, kFirst + PfnCount{10}, PfnCount{300}, 0));
  EXPECT_TRUE(holds(*backing, kFirst + PfnCount{310}, PfnCount{714}, 0x5A));
}

TEST(AnonymousBacking, DiscardOfTheEndsTouchesNothingBeside) {
  auto backing = make(PfnCount{16});
  fill(*backing, kFirst, PfnCount{16}, 1);
  ASSERT_EQ(backing->discard(kFirst, PfnCount{1}), Status::Ok);
  ASSERT_EQ(backing->discard(kFirst + PfnCount{15}, PfnCount{1}), Status::Ok);
  EXPECT_EQ(backing->discard(kFirst + PfnCount{15}, PfnCount{2}), Status::OutsideZone);
  EXPECT_EQ(resident(*backing), PfnCount{14});
  EXPECT_TRUE(holds(*backing, kFirst + PfnCount{1}, PfnCount{14}, 1));
}

TEST(AnonymousBacking, FreeLeavesThePagesUntilTheHostWantsThem) {
  auto backing = make(PfnCount{64}, Release::Free);
  EXPECT_EQ(backing->content_after(), Content::Unknown);
  fill(*backing, kFirst, PfnCount{64}, 0x5A);
  ASSERT_EQ(backing->discard(kFirst, PfnCount{64}), Status::Ok);
  EXPECT_LE(resident(*backing), PfnCount{64});
  fill(*backing, kFirst, PfnCount{64}, 0x77);
  EXPECT_TRUE(holds(*backing, kFirst, PfnCount{64}, 0x77)) << "a write after the release must stay";
}

// Uses the system call, because sanitizers turn mlock() into a no-op.
bool lock_frames(Backing& backing, Pfn first, PfnCount n) {
  return syscall(SYS_mlock, backing.address(first), bytes(n).raw) == 0;
}

constexpr int kDontNeedLocked = 24;
bool kernel_releases_locked() { return madvise(nullptr, 0, kDontNeedLocked) == 0; }

TEST(AnonymousBacking, LockedMemoryIsReleased) {
  if (!kernel_releases_locked()) GTEST_SKIP() << "needs Linux 5.18";
  auto backing = make(PfnCount{4});
  fill(*backing, kFirst, PfnCount{4}, 0x5A);
  if (!lock_frames(*backing, kFirst, PfnCount{4})) GTEST_SKIP() << "may not lock memory here";
  EXPECT_EQ(backing->discard(kFirst, PfnCount{3}), Status::Ok);
  EXPECT_EQ(resident(*backing), PfnCount{1});
  EXPECT_TRUE(holds(*backing, kFirst, PfnCount{3}, 0));
  EXPECT_TRUE(holds(*backing, kFirst + PfnCount{3}, PfnCount{1}, 0x5A));
}

// Behaves like a kernel before 5.18.
TEST(AnonymousBacking, LockedMemoryIsAFailureWithItsReasonWhereTheKernelDoesNotReleaseIt) {
  const auto run = [] {
    sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the call
                            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_madvise, 4, 0),
                            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 2),
                            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
                            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kDontNeedLocked, 1, 0),
                            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL)};
    const sock_fprog program{std::size(filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      _exit(2);
    if (kernel_releases_locked()) _exit(3);
    auto backing = make(PfnCount{4});
    fill(*backing, kFirst, PfnCount{4}, 0x5A);
    if (!lock_frames(*backing, kFirst, PfnCount{2})) _exit(0);
    if (backing->discard(kFirst, PfnCount{4}) != Status::Failed || backing->last_error() != EINVAL) _exit(4);
    if (backing->counts().failures != 1 || !holds(*backing, kFirst, PfnCount{2}, 0x5A)) _exit(5);
    if (backing->release_error().find("madvise(MADV_DONTNEED): Invalid argument: the memory is locked") != 0)
      _exit(6);
    _exit(backing->discard(kFirst + PfnCount{2}, PfnCount{2}) == Status::Ok ? 0 : 7);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
}

TEST(AnonymousBacking, LockedMemoryIsNotReleasedLazily) {
  auto backing = make(PfnCount{4}, Release::Free);
  fill(*backing, kFirst, PfnCount{4}, 0x5A);
  if (!lock_frames(*backing, kFirst, PfnCount{4})) GTEST_SKIP() << "may not lock memory here";
  EXPECT_EQ(backing->discard(kFirst, PfnCount{4}), Status::Failed);
  EXPECT_EQ(backing->release_error().find("madvise(MADV_FREE): Invalid argument: the memory is locked"), 0U);
}

// Every second frame of 100.
std::vector<ScatterEntry> even_frames() {
  std::vector<ScatterEntry> runs;
  for (std::uint64_t i = 0; i < 100; i += 2) runs.push_back({kFirst + PfnCount{i}, {1}});
  return runs;
}

bool only_even_frames_are_gone(Backing& backing) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    if (!holds(backing, kFirst + PfnCount{i}, {1}, i % 2 == 0 ? 0 : 0x5A)) return false;
  }
  return true;
}

std::vector<Status> discard_all(Backing& backing, const std::vector<ScatterEntry>& runs) {
  std::vector<Status> answers(runs.size(), Status::Failed);
  backing.discard_all(runs, answers.data());
  return answers;
}

bool kernel_takes_lists() { return syscall(SYS_process_madvise, -10000, nullptr, 0, MADV_DONTNEED, 0) == 0; }

TEST(AnonymousBacking, SeveralRunsAreOneCallWhereTheKernelTakesThem) {
  for (const Release release : {Release::DontNeed, Release::Free}) {
    auto backing = make(PfnCount{100}, release);
    fill(*backing, kFirst, PfnCount{100}, 0x5A);
    EXPECT_EQ(discard_all(*backing, even_frames()), std::vector<Status>(50, Status::Ok));
    EXPECT_EQ(backing->counts().calls, kernel_takes_lists() ? 1u : 50u);
    EXPECT_EQ(backing->counts().frames, PfnCount{50});
    if (release == Release::DontNeed) {
      EXPECT_TRUE(only_even_frames_are_gone(*backing));
    }
  }
}

TEST(AnonymousBacking, ALockedRunAmongOthersIsReleasedAtOnceAndFailsAloneLazily) {
  for (const Release release : {Release::DontNeed, Release::Free}) {
    auto backing = make(PfnCount{100}, release);
    fill(*backing, kFirst, PfnCount{100}, 0x5A);
    if (!lock_frames(*backing, kFirst + PfnCount{20}, PfnCount{1}))
      GTEST_SKIP() << "may not lock memory here";
    const bool fails = release == Release::Free || !kernel_releases_locked();
    std::vector<Status> expected(50, Status::Ok);
    if (fails) expected[10] = Status::Failed;
    EXPECT_EQ(discard_all(*backing, even_frames()), expected);
    EXPECT_EQ(backing->counts().frames, PfnCount{fails ? 49U : 50U});
    EXPECT_TRUE(holds(*backing, kFirst + PfnCount{20}, PfnCount{1}, fails ? 0x5A : 0));
    if (release == Release::DontNeed) {
      EXPECT_TRUE(holds(*backing, kFirst + PfnCount{98}, PfnCount{1}, 0));
    }
  }
}

// Behaves like a kernel without the call, or like a sandbox that forbids it from some moment on.
TEST(AnonymousBacking, RunsGoOneByOneWithoutTheCall) {
  for (const bool from_the_beginning : {true, false}) {
    const auto run = [=] {
      std::unique_ptr<AnonymousBacking> backing;
      if (!from_the_beginning) backing = make(PfnCount{100});
      sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the call
                              BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_madvise, 0, 1),
                              BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                              BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
      const sock_fprog program{std::size(filter), filter};
      if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
          prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(2);
      if (kernel_takes_lists()) _exit(3);
      if (backing == nullptr) backing = make(PfnCount{100});
      fill(*backing, kFirst, PfnCount{100}, 0x5A);
      const bool all = discard_all(*backing, even_frames()) == std::vector<Status>(50, Status::Ok);
      _exit(all && backing->counts().calls == 50 && only_even_frames_are_gone(*backing) ? 0 : 1);
    };
    EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
  }
}

TEST(AnonymousBacking, FramesLieAtTheirAlignment) {
  auto backing = make(PfnCount{2048});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(backing->address(Pfn{1024})) % (2u << 20), 0u);
}

TEST(AnonymousBacking, HasAGuardAtEachEnd) {
  auto backing = make(PfnCount{8});
  volatile char* const begin = reinterpret_cast<char*>(backing->address(kFirst));
  EXPECT_DEATH(begin[-1] = 1, "");
  EXPECT_DEATH(begin[8 * kFrameSize] = 1, "");
}

TEST(AnonymousBacking, RefusesSizesThatCannotBe) {
  EXPECT_NE(AnonymousBacking::create({kFirst, PfnCount{0}}).error, "");
  EXPECT_NE(AnonymousBacking::create({kFirst, PfnCount{~std::uint64_t{0}}}).error, "");
  EXPECT_NE(AnonymousBacking::create({Pfn{~std::uint64_t{0}}, PfnCount{2}}).error, "");
}

TEST(AnonymousBacking, SaysWhichLimitIsInTheWay) {
  // More than the address space of any current machine.
  const auto made = AnonymousBacking::create({Pfn{0}, PfnCount{std::uint64_t{1} << 40}});
  EXPECT_FALSE(made);
  EXPECT_NE(made.error.find("4294967296 MiB"), std::string::npos) << made.error;
  EXPECT_NE(made.error.find("mmap: Cannot allocate memory"), std::string::npos) << made.error;
  EXPECT_NE(made.error.find("ulimit -v"), std::string::npos) << made.error;
}

bool machine_allows_huge_pages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string setting;
  return std::getline(file, setting) && setting.find("[never]") == std::string::npos;
}

TEST(AnonymousBacking, HugePagesComeAndGoWhole) {
  if (!machine_allows_huge_pages()) GTEST_SKIP() << "transparent huge pages are off on this machine";
  auto backing = make(PfnCount{2048}, Release::DontNeed, HugePages::Prefer);
  const Pfn block{1024};
  fill(*backing, block, PfnCount{1}, 1);
  if (resident(*backing) == PfnCount{1}) GTEST_SKIP() << "the machine has no huge page to give at present";
  EXPECT_EQ(resident(*backing), PfnCount{512});
  ASSERT_EQ(backing->discard(block, PfnCount{512}), Status::Ok);
  EXPECT_EQ(resident(*backing), PfnCount{0});
  EXPECT_TRUE(holds(*backing, block, PfnCount{512}, 0));
}

TEST(AnonymousBacking, WithoutHugePagesATouchIsOneFrame) {
  auto backing = make(PfnCount{2048});
  fill(*backing, Pfn{1024}, PfnCount{1}, 1);
  EXPECT_EQ(resident(*backing), PfnCount{1});
}

}  // namespace
}  // namespace fallow::detail
