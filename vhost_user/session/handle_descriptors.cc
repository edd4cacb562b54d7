// The kinds of descriptor that a front-end may pass. With any other kind, its owner may block a process that
// closes it, or waits for it, for any length of time.
#include <algorithm>

#include "vhost_user/session/message_handler.h"

namespace fallow::vhost {

Verdict MessageHandler::expect_kind(int fd, std::initializer_list<DescriptorKind> good, const char* wanted,
                                    const char* owner) noexcept {
  const DescriptorKind kind = descriptor_kind(fd);
  if (std::find(good.begin(), good.end(), kind) != good.end()) return Verdict::Done;
  return refuse("the descriptor%s is %s; %s is expected", owner, describe(kind), wanted);
}

Verdict MessageHandler::expect_memory_file(int fd, const char* owner) noexcept {
  return expect_kind(fd, {DescriptorKind::MemfdFile}, "a memory file (memfd, tmpfs, hugetlbfs)", owner);
}

// UML passes one end of a socket pair as the call descriptor.
Verdict MessageHandler::expect_notifier(int fd, const char* owner) noexcept {
  return expect_kind(fd, {DescriptorKind::Event, DescriptorKind::UnixStream, DescriptorKind::Pipe},
                     "an eventfd, a pipe or a Unix stream socket", owner);
}

Verdict MessageHandler::expect_stream(int fd) noexcept {
  return expect_kind(fd, {DescriptorKind::UnixStream}, "a Unix stream socket", "");
}

}  // namespace fallow::vhost
