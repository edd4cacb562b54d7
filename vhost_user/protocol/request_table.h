// What the protocol says of each front-end request: its size, its descriptors, its reply.
#pragma once

#include <cstdint>

#include "vhost_user/protocol/wire.h"

namespace fallow::vhost {

// The protocol features that a VhostSession can serve.
inline constexpr std::uint64_t kVhostServed = kVhostPfMq | kVhostPfReplyAck | kVhostPfBackendReq |
                                              kVhostPfConfig | kVhostPfInflightShmfd | kVhostPfResetDevice |
                                              kVhostPfConfigureMemSlots | kVhostPfStatus;

// How a reply of its own says that there is nothing to reply.
enum class NotAllowed : std::uint8_t {
  Impossible,  // it cannot
  Value,       // by a u64 other than 0
  Empty,       // by having no payload, and no descriptor
};

struct RequestRule {
  const char* name = nullptr;  // as in the specification, without VHOST_USER_
  bool served = false;
  bool own_reply = false;  // the front-end waits for a reply, whether it said so or not
  std::uint16_t min_size = 0, max_size = kVhostMaxPayload;
  std::uint16_t min_fds = 0, max_fds = kVhostMaxRegions;
  std::uint64_t needs = 0;  // protocol features that must have been negotiated
  NotAllowed no = NotAllowed::Impossible;
};

// Null: there is no such request.
const RequestRule* vhost_rule(std::uint32_t request) noexcept;

// For people; never null.
const char* vhost_request_name(std::uint32_t request) noexcept;

}  // namespace fallow::vhost
