// The session checks the kind of a front-end's descriptors before any other use: each other kind is refused
// by name and closed.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <functional>

#include "tests/unit/vhost_user/rig.h"

namespace fallow::vhost {
namespace {

using Request = Request;

struct Kind {
  const char* name;
  std::function<int()> open;
};
int one_end(int domain, int type) {
  int ends[2] = {-1, -1};
  FALLOW_CHECK(socketpair(domain, type | SOCK_CLOEXEC, 0, ends) == 0);
  close(ends[1]);
  return ends[0];
}
int pipe_end(int which) {
  int ends[2] = {-1, -1};
  FALLOW_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  close(ends[1 - which]);
  return ends[which];
}
const Kind kMemory{"a memory file", [] { return VhostFrontEnd::memory(); }};
const Kind kEvent{"an eventfd", [] { return VhostFrontEnd::event(); }};
const Kind kStream{"a connected Unix stream socket", [] { return one_end(AF_UNIX, SOCK_STREAM); }};
const Kind kPipe{"a pipe", [] { return pipe_end(1); }};
const Kind kNothing[] = {
    {"a socket other than a Unix stream socket",
     [] { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }},
    {"a socket other than a Unix stream socket", [] { return one_end(AF_UNIX, SOCK_SEQPACKET); }},
    {"a socket other than a Unix stream socket", [] { return one_end(AF_UNIX, SOCK_DGRAM); }},
    {"a file of a filesystem other than tmpfs and hugetlbfs",
     [] { return open("/proc/self/exe", O_RDONLY | O_CLOEXEC); }},
    {"a file of a filesystem other than tmpfs and hugetlbfs",
     [] { return open("/proc/self/exe", O_PATH | O_CLOEXEC); }},
    {"a directory", [] { return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }},
    {"a device file", [] { return open("/dev/null", O_RDWR | O_CLOEXEC); }},
    {"a descriptor that cannot be polled, or an epoll instance", [] { return epoll_create1(EPOLL_CLOEXEC); }},
};

class VhostDescriptorKinds : public VhostRig {
 protected:
  VhostDescriptorKinds() {
    negotiate_and_set_memory();
    start_ring(0);
  }
  // Sends a descriptor of each kind; only the expected kinds are accepted, and none is left open.
  template <class F>
  void expect_refused(const std::vector<Kind>& bad, const std::string& what, const std::string& wanted,
                      F send) {
    std::vector<Kind> all(std::begin(kNothing), std::end(kNothing));
    all.insert(all.end(), bad.begin(), bad.end());
    const std::size_t before = open_descriptors();
    for (const Kind& kind : all) {
      const int fd = kind.open();
      ASSERT_GE(fd, 0) << kind.name;
      device.calls.clear();
      EXPECT_EQ(send(fd), 1U) << kind.name;
      EXPECT_NE(said.find(what + " is " + kind.name + "; " + wanted + " is expected"), std::string::npos)
          << said << "\nfor " << kind.name;
      EXPECT_TRUE(device.calls.empty());
      EXPECT_EQ(open_descriptors(), before) << kind.name;
    }
  }
  static constexpr const char* kNotifier = "an eventfd, a pipe or a Unix stream socket";
  static constexpr const char* kMemoryFile = "a memory file (memfd, tmpfs, hugetlbfs)";
};

TEST_F(VhostDescriptorKinds, OfMemory) {
  expect_refused({kEvent, kStream, kPipe}, "the descriptor of region 0", kMemoryFile, [this](int fd) {
    return ack(Request::SetMemTable, bytes_of(MemTable{1, 0}, region()), {fd});
  });
  expect_refused({kEvent, kStream, kPipe}, "the descriptor of region 1", kMemoryFile, [this](int fd) {
    return ack(Request::AddMemReg, bytes_of(MemReg{0, region(0x1000, 0x1000)}), {fd});
  });
}

TEST_F(VhostDescriptorKinds, OfKicksCallsAndErrors) {
  for (const Request request : {Request::SetVringKick, Request::SetVringCall, Request::SetVringErr}) {
    const auto send = [&](std::uint64_t queue) {
      return [this, request, queue](int fd) { return ack(request, bytes_of(queue), {fd}); };
    };
    expect_refused({kMemory}, "the descriptor of queue 0", kNotifier, send(0));
    expect_refused({kMemory}, "the descriptor of queue 1", kNotifier, send(1));
    for (const Kind& good : {kEvent, kStream, kPipe}) EXPECT_EQ(send(0)(good.open()), 0U) << good.name;
    // A timerfd has the inode of an eventfd and can be polled like one.
    EXPECT_EQ(send(0)(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)), 0U);
  }
}

TEST_F(VhostDescriptorKinds, OfTheBackendsChannel) {
  expect_refused({kMemory, kEvent, kPipe}, "the descriptor", "a Unix stream socket",
                 [this](int fd) { return ack(Request::SetBackendReqFd, {}, {fd}); });
  EXPECT_EQ(ack(Request::SetBackendReqFd, {}, {kStream.open()}), 0U);
}

TEST_F(VhostDescriptorKinds, OfTheInflightArea) {
  expect_refused({kEvent, kStream, kPipe}, "the descriptor", kMemoryFile, [this](int fd) {
    return ack(Request::SetInflightFd, bytes_of(InflightDescription{4096, 0, 1, 16}), {fd});
  });
}

}  // namespace
}  // namespace fallow::vhost
