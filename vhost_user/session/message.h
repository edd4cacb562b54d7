// A whole message of a front-end, as it lies in the state of the connection.
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
  // Of a state that has at least a header.
  explicit Message(const State& state) noexcept;

  // Whether the header can be one: version, the reply bit, and the size the request has. What cannot is not
  // worth reading on for.
  bool sound(ErrorText& complaint) const noexcept;

  std::uint32_t request() const noexcept { return header_.request; }
  const char* name() const noexcept { return vhost_request_name(header_.request); }
  const RequestRule* rule() const noexcept { return vhost_rule(header_.request); }
  bool needs_reply() const noexcept { return (header_.flags & kVhostNeedReply) != 0; }
  std::size_t size() const noexcept { return sizeof header_ + header_.size; }  // all of it

  std::span<const std::byte> payload() const noexcept { return payload_; }
  std::span<const int> fds() const noexcept { return fds_; }

  // The payload from `offset` on; zeroes beyond its end.
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

// Fills a reply. `payload` is at most as long as a configuration is.
void vhost_reply(Reply& reply, std::uint32_t request, std::span<const std::byte> payload,
                 int fd = -1) noexcept;
void vhost_reply(Reply& reply, std::uint32_t request, std::uint64_t value) noexcept;

}  // namespace fallow::vhost
