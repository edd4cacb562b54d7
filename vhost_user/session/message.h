// A whole message of a front-end, as a view of the connection's state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "vhost_user/protocol/error_text.h"
#include "vhost_user/protocol/request_table.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

class Message {
 public:
  // `state` must hold at least a header.
  explicit Message(const State& state) noexcept;

  // Returns whether the header is possible: its version, its reply bit, and the size of the request. If not,
  // the rest of the message is not worth reading.
  bool sound(ErrorText& error_text) const noexcept;

  std::uint32_t request() const noexcept { return header_.request; }
  const char* name() const noexcept { return request_name(header_.request); }
  const RequestRule* rule() const noexcept { return request_rule(header_.request); }
  bool needs_reply() const noexcept { return (header_.flags & kVhostNeedReply) != 0; }
  std::size_t size() const noexcept { return sizeof header_ + header_.size; }  // of header and payload

  std::span<const std::byte> payload() const noexcept { return payload_; }
  std::span<const int> fds() const noexcept { return fds_; }

  // The payload from `offset` on, padded with zeroes.
  template <class T>
  T as(std::size_t offset = 0) const noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (offset >= payload_.size()) return value;
    const std::size_t there = payload_.size() - offset;
    std::memcpy(&value, payload_.data() + offset, there < sizeof value ? there : sizeof value);
    return value;
  }

 private:
  Header header_;
  std::span<const std::byte> payload_;
  std::span<const int> fds_;
};

// Fills a reply. `payload` is at most as long as a GET_CONFIG reply.
void fill_reply(Reply& reply, std::uint32_t request, std::span<const std::byte> payload,
                int fd = -1) noexcept;
void fill_reply(Reply& reply, std::uint32_t request, std::uint64_t value) noexcept;

}  // namespace fallow::vhost
