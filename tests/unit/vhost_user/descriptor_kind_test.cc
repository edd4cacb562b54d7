#include "vhost_user/protocol/descriptor_kind.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace fallow::vhost {
namespace {

using Kind = DescriptorKind;

// Examines and closes a descriptor that the test has just opened.
Kind kind_of(int fd) {
  EXPECT_GE(fd, 0);
  const Kind kind = descriptor_kind(fd);
  close(fd);
  return kind;
}

TEST(DescriptorKindTest, MemoryFiles) {
  EXPECT_EQ(kind_of(memfd_create("m", MFD_CLOEXEC)), Kind::MemfdFile);
  EXPECT_EQ(kind_of(memfd_create("m", MFD_CLOEXEC | MFD_ALLOW_SEALING)), Kind::MemfdFile);
  EXPECT_EQ(kind_of(open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)), Kind::MemfdFile);
  if (const int huge = memfd_create("h", MFD_CLOEXEC | MFD_HUGETLB); huge >= 0) {
    EXPECT_EQ(kind_of(huge), Kind::MemfdFile);
  }
}

TEST(DescriptorKindTest, SocketsByDomainAndType) {
  EXPECT_EQ(kind_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), Kind::UnixStream);
  EXPECT_EQ(kind_of(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), Kind::OtherSocket);
  EXPECT_EQ(kind_of(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)), Kind::OtherSocket);
  EXPECT_EQ(kind_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), Kind::OtherSocket);
  EXPECT_EQ(kind_of(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), Kind::OtherSocket);
  EXPECT_EQ(kind_of(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)), Kind::OtherSocket);
}

TEST(DescriptorKindTest, WhatHasNoName) {
  EXPECT_EQ(kind_of(eventfd(0, EFD_CLOEXEC)), Kind::Event);
  EXPECT_EQ(kind_of(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)), Kind::Event);
  EXPECT_EQ(kind_of(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)), Kind::Event);
  sigset_t none;
  sigemptyset(&none);
  EXPECT_EQ(kind_of(signalfd(-1, &none, SFD_CLOEXEC)), Kind::Event);
  EXPECT_EQ(kind_of(epoll_create1(EPOLL_CLOEXEC)), Kind::Unwaitable);
}

TEST(DescriptorKindTest, Pipes) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(kind_of(ends[0]), Kind::Pipe);
  EXPECT_EQ(kind_of(ends[1]), Kind::Pipe);
}

TEST(DescriptorKindTest, FilesOfOtherFilesystems) {
  EXPECT_EQ(kind_of(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), Kind::File);
  EXPECT_EQ(kind_of(open("/proc/self/status", O_RDONLY | O_CLOEXEC)), Kind::File);
  EXPECT_EQ(kind_of(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), Kind::Directory);
  EXPECT_EQ(kind_of(open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), Kind::Directory);
  EXPECT_EQ(kind_of(open("/dev/null", O_RDWR | O_CLOEXEC)), Kind::Device);
  EXPECT_EQ(kind_of(open("/dev/zero", O_RDWR | O_CLOEXEC)), Kind::Device);
  const ScratchFolder folder;
  const std::string link = folder.path("link"), memory = folder.path("memory");
  ASSERT_EQ(symlink("nowhere", link.c_str()), 0);
  EXPECT_EQ(kind_of(open(link.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)), Kind::Unknown);
  EXPECT_EQ(kind_of(open("/proc/self/exe", O_PATH | O_CLOEXEC)), Kind::File) << "open by name only";
}

TEST(DescriptorKindTest, NoneAndNotOpen) {
  EXPECT_EQ(descriptor_kind(-1), Kind::Unknown);
  const int fd = eventfd(0, EFD_CLOEXEC);
  close(fd);
  EXPECT_EQ(descriptor_kind(fd), Kind::Unknown);
}

// Without a spare descriptor for the comparison, the kind is Unknown.
TEST(DescriptorKindTest, WithoutADescriptorLeft) {
  const int fd = eventfd(0, EFD_CLOEXEC);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{static_cast<rlim_t>(fd) + 1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  int fill = -1;
  std::vector<int> filling;
  while ((fill = dup(fd)) >= 0) filling.push_back(fill);
  EXPECT_EQ(descriptor_kind(fd), Kind::Unknown);
  for (const int each : filling) close(each);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(kind_of(fd), Kind::Event);
}

// The check leaves the descriptor unchanged, whatever its kind.
TEST(DescriptorKindTest, LeavesNothingBehind) {
  const int fd = eventfd(7, EFD_CLOEXEC);
  const int next = dup(fd);
  close(next);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(descriptor_kind(fd), Kind::Event);
  const int after = dup(fd);
  EXPECT_EQ(after, next);
  close(after);
  std::uint64_t count = 0;
  EXPECT_EQ(read(fd, &count, sizeof count), 8);
  EXPECT_EQ(count, 7U);
  close(fd);
}

}  // namespace
}  // namespace fallow::vhost
