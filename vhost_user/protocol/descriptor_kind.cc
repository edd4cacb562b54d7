#include "vhost_user/protocol/descriptor_kind.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fallow::vhost {
namespace {

// Reads cached attributes only, so that the filesystem is not asked.
bool read_cached(int fd, struct statx& attributes) noexcept {
  return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &attributes) == 0;
}

int socket_option(int fd, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Returns whether the file has the inode that eventfds share with the kernel's other anonymous files.
bool is_anonymous(const struct statx& attributes) noexcept {
  const int own = eventfd(0, EFD_CLOEXEC);
  if (own < 0) return false;
  struct statx event {};
  const bool known = read_cached(own, event);
  close(own);
  return known && attributes.stx_ino == event.stx_ino && attributes.stx_dev_major == event.stx_dev_major &&
         attributes.stx_dev_minor == event.stx_dev_minor;
}

// EPOLLEXCLUSIVE makes epoll_ctl() refuse an epoll before it takes that epoll's lock, which its owner may
// hold.
bool can_be_waited_for(int fd) noexcept {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return false;
  epoll_event event{.events = EPOLLIN | EPOLLEXCLUSIVE, .data = {}};
  const bool taken = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
  close(epoll);
  return taken;
}

}  // namespace

DescriptorKind descriptor_kind(int fd) noexcept {
  if (fcntl(fd, F_GET_SEALS) >= 0) return DescriptorKind::MemfdFile;
  if (const int domain = socket_option(fd, SO_DOMAIN); domain >= 0) {
    const bool stream = domain == AF_UNIX && socket_option(fd, SO_TYPE) == SOCK_STREAM;
    return stream ? DescriptorKind::UnixStream : DescriptorKind::OtherSocket;
  }
  struct statx attributes {};
  if (!read_cached(fd, attributes)) return DescriptorKind::Unknown;
  switch (attributes.stx_mode & S_IFMT) {
    case S_IFIFO:
      return DescriptorKind::Pipe;
    case S_IFREG:
      return DescriptorKind::File;
    case S_IFDIR:
      return DescriptorKind::Directory;
    case S_IFCHR:
    case S_IFBLK:
      return DescriptorKind::Device;
    case 0:
      if (!is_anonymous(attributes)) return DescriptorKind::Unknown;
      return can_be_waited_for(fd) ? DescriptorKind::Event : DescriptorKind::Unwaitable;
    default:
      return DescriptorKind::Unknown;
  }
}

const char* describe(DescriptorKind kind) noexcept {
  switch (kind) {
    case DescriptorKind::MemfdFile:
      return "a memory file";
    case DescriptorKind::UnixStream:
      return "a connected Unix stream socket";
    case DescriptorKind::OtherSocket:
      return "a socket other than a Unix stream socket";
    case DescriptorKind::Event:
      return "an eventfd";
    case DescriptorKind::Pipe:
      return "a pipe";
    case DescriptorKind::File:
      return "a file of a filesystem other than tmpfs and hugetlbfs";
    case DescriptorKind::Directory:
      return "a directory";
    case DescriptorKind::Device:
      return "a device file";
    case DescriptorKind::Unwaitable:
      return "a descriptor that cannot be polled, or an epoll instance";
    case DescriptorKind::Unknown:
      break;
  }
  return "of unknown kind, or no spare descriptor was left to examine it (ulimit -n)";
}

}  // namespace fallow::vhost
