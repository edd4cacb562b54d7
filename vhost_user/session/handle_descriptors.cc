// What a front-end's descriptors may be. A descriptor of any other kind may keep whoever closes it, or waits
// for it, for as long as its owner likes.
#include <algorithm>

#include "vhost_user/session/message_handler.h"

namespace fallow::vhost {

VhostVerdict MessageHandler::expect_kind(int fd, std::initializer_list<DescriptorKind> good,
                                         const char* wanted, const char* owner) noexcept {
  const DescriptorKind kind = descriptor_kind(fd);
  if (std::find(good.begin(), good.end(), kind) != good.end()) return VhostVerdict::Done;
  return refuse("the descriptor%s is %s, where %s is expected", owner, describe(kind), wanted);
}

VhostVerdict MessageHandler::expect_memory_file(int fd, const char* owner) noexcept {
  return expect_kind(fd, {DescriptorKind::MemfdFile}, "a memory file (memfd, tmpfs, hugetlbfs)", owner);
}

// UML gives one end of a pair of sockets as the call.
VhostVerdict MessageHandler::expect_notifier(int fd, const char* owner) noexcept {
  return expect_kind(fd, {DescriptorKind::Event, DescriptorKind::UnixStream, DescriptorKind::Pipe},
                     "an eventfd, a pipe or a Unix stream socket", owner);
}

VhostVerdict MessageHandler::expect_stream(int fd) noexcept {
  return expect_kind(fd, {DescriptorKind::UnixStream}, "a Unix stream socket", "");
}

}  // namespace fallow::vhost
