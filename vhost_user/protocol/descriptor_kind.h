// What a descriptor is that somebody else gave. A filesystem may keep whoever asks it, or closes a file of
// it, waiting for as long as it likes (FUSE, NFS), so none of this asks one: see before anything else is
// done.
#pragma once

#include <cstdint>

namespace fallow::vhost {

enum class DescriptorKind : std::uint8_t {
  MemfdFile,   // of shmem or hugetlbfs: memfd, tmpfs, hugetlbfs
  UnixStream,  // a socket of AF_UNIX, of type SOCK_STREAM
  OtherSocket,
  Event,  // an eventfd; or a timerfd, signalfd and the like, which share its inode and can be waited for
  Pipe,   // or a FIFO
  File,   // a regular file of another filesystem, or one that is open by name only
  Directory,
  Device,
  Unwaitable,  // shares the inode of an eventfd, and is an epoll, or nothing that can be waited for
  Unknown,     // none of these; not open; or there are no descriptors left to compare it with
};

// Never blocks, changes nothing that the giver sees, and returns with no descriptor more than there were; it
// needs one for a moment. System calls: fcntl(F_GET_SEALS), getsockopt(SO_DOMAIN, SO_TYPE), statx() with an
// empty path and AT_STATX_DONT_SYNC, eventfd2(), epoll_create1(), epoll_ctl(), close() of the latter two.
DescriptorKind descriptor_kind(int fd) noexcept;

// For people, with an article; never null.
const char* describe(DescriptorKind kind) noexcept;

}  // namespace fallow::vhost
