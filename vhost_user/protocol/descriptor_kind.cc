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
bool look(int fd, struct statx& what) noexcept {
  return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &what) == 0;
}

int socket_option(int fd, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Returns whether the file has the inode that eventfds share with the kernel's other anonymous files.
bool is_anonymous(const struct statx& what) noexcept {
  const int own = eventfd(0, EFD_CLOEXEC);
  if (own < 0) return false;
  struct statx event {};
  const bool known = look(own, event);
  close(own);
  return known && what.stx_ino == event.stx_ino && what.stx_dev_major == event.stx_dev_major &&
         what.stx_dev_minor == event.stx_dev_minor;
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
  struct statx what {};
  if (!look(fd, what)) return DescriptorKind::Unknown;
  switch (what.stx_mode & S_IFMT) {
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
      if (!is_anonymous(what)) return DescriptorKind::Unknown;
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
      return "a socket of another kind than a Unix stream socket";
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
      return "a descriptor that cannot be waited for, or waits for others";
    case DescriptorKind::Unknown:
      break;
  }
  return "of no known kind, or no descriptor is left to find out with (ulimit -n)";
}

}  // namespace fallow::vhost
