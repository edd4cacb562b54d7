#include "vhost_user/session/message.h"

#include <algorithm>

#include "fallow/base/check.h"

namespace fallow::vhost {

Message::Message(const State& state) noexcept {
  std::memcpy(&header_, state.message, sizeof header_);
  const std::size_t have = state.where().have;
  const std::size_t there = have > sizeof header_ ? have - sizeof header_ : 0;
  payload_ = {state.message + sizeof header_, std::min<std::size_t>(there, header_.size)};
  fds_ = {state.fds, state.fd_count()};
}

bool Message::sound(ErrorText& error_text) const noexcept {
  if ((header_.flags & kVhostVersionMask) != kVhostVersion) {
    error_text.set("%s: flags 0x%x: protocol version %u is not supported; version 1 is expected", name(),
                   header_.flags, header_.flags & kVhostVersionMask);
    return false;
  }
  if ((header_.flags & kVhostReply) != 0) {
    error_text.set("%s: flags 0x%x mark a reply; a request is expected", name(), header_.flags);
    return false;
  }
  const RequestRule any{};
  const RequestRule& rule = this->rule() == nullptr ? any : *this->rule();
  if (header_.size < rule.min_size || header_.size > rule.max_size) {
    error_text.set("%s (%u): payload of %u bytes is not within %u to %u", name(), header_.request,
                   header_.size, rule.min_size, rule.max_size);
    return false;
  }
  return true;
}

void fill_reply(Reply& reply, std::uint32_t request, std::span<const std::byte> payload, int fd) noexcept {
  const Header header{request, kVhostVersion | kVhostReply, static_cast<std::uint32_t>(payload.size())};
  FALLOW_CHECK(sizeof header + payload.size() <= sizeof reply.bytes);
  std::memcpy(reply.bytes, &header, sizeof header);
  std::copy(payload.begin(), payload.end(), reply.bytes + sizeof header);
  reply.size = static_cast<std::uint32_t>(sizeof header + payload.size());
  reply.fd = fd;
}

void fill_reply(Reply& reply, std::uint32_t request, std::uint64_t value) noexcept {
  fill_reply(reply, request, std::as_bytes(std::span(&value, 1)));
}

}  // namespace fallow::vhost
