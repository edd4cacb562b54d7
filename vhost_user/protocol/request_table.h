// The specification of each front-end request: its size, its descriptors, its reply.
#pragma once

#include <cstdint>

#include "vhost_user/protocol/wire.h"

namespace fallow::vhost {

// The protocol features that a Session can serve.
inline constexpr std::uint64_t kServedProtocolFeatures =
    kVhostPfMq | kVhostPfReplyAck | kVhostPfBackendReq | kVhostPfConfig | kVhostPfInflightShmfd |
    kVhostPfResetDevice | kVhostPfConfigureMemSlots | kVhostPfStatus;

// How a request that has its own reply is refused.
enum class RefusalReply : std::uint8_t {
  None,   // the reply has no form for a refusal
  Value,  // with a u64 other than 0
  Empty,  // with neither payload nor descriptor
};

struct RequestRule {
  const char* name = nullptr;  // as in the specification, without VHOST_USER_
  bool served = false;
  bool has_reply = false;  // the front-end always waits for a reply, with or without NEED_REPLY
  std::uint16_t min_size = 0, max_size = kVhostMaxPayload;
  std::uint16_t min_fds = 0, max_fds = kVhostMaxRegions;
  std::uint64_t needs = 0;  // protocol features that must have been negotiated
  RefusalReply refusal = RefusalReply::None;
};

// Returns null for a number that is not a request.
const RequestRule* request_rule(std::uint32_t request) noexcept;

// Returns a name for log messages; never null.
const char* request_name(std::uint32_t request) noexcept;

}  // namespace fallow::vhost
