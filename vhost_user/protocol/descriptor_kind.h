// Finds out what kind of file a foreign descriptor refers to. A filesystem such as FUSE or NFS may block its
// callers, and a process that closes one of its files, for any length of time. The check therefore asks no
// filesystem, and it runs before the descriptor is used in any other way.
#pragma once

#include <cstdint>

namespace fallow::vhost {

enum class DescriptorKind : std::uint8_t {
  MemfdFile,   // on shmem or hugetlbfs: memfd, tmpfs, hugetlbfs
  UnixStream,  // an AF_UNIX socket of type SOCK_STREAM
  OtherSocket,
  Event,  // an eventfd, or a pollable file that shares its inode (timerfd, signalfd and the like)
  Pipe,   // or a FIFO
  File,   // a regular file of another filesystem, or one opened with O_PATH
  Directory,
  Device,
  Unwaitable,  // shares the inode of an eventfd, and is an epoll or cannot be polled
  Unknown,     // none of these, not open, or no descriptor is left for the comparison
};

// Never blocks and changes nothing that the sender of the descriptor can see. Needs one spare descriptor
// during the call and leaves none open. System calls: fcntl(F_GET_SEALS), getsockopt(SO_DOMAIN, SO_TYPE),
// statx() with an empty path and AT_STATX_DONT_SYNC, eventfd2(), epoll_create1(), epoll_ctl(), close() of the
// last two.
DescriptorKind descriptor_kind(int fd) noexcept;

// Returns a description for log messages, with an article; never null.
const char* describe(DescriptorKind kind) noexcept;

}  // namespace fallow::vhost
