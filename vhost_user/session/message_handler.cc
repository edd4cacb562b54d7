#include "vhost_user/session/message_handler.h"

#include <algorithm>
#include <cinttypes>
#include <cstdarg>

#include "fallow/base/check.h"

namespace fallow::vhost {

void MessageHandler::forget(Vring& ring) noexcept { ring = {.size = ring.size, .enabled = ring.enabled}; }

Verdict MessageHandler::run() noexcept {
  const RequestRule* const rule = message_.rule();
  Verdict verdict = Verdict::Refused;
  if (rule == nullptr) {
    verdict = refuse("request %u is unknown", message_.request());
  } else if (!rule->served) {
    verdict = refuse("the back-end did not offer this request");
  } else if (message_.fds().size() > rule->max_fds && rule->max_fds == 0) {
    static_cast<void>(
        refuse("%zu descriptors came with the message; none is allowed", message_.fds().size()));
    return Verdict::Broken;
  } else if (message_.fds().size() < rule->min_fds || message_.fds().size() > rule->max_fds) {
    verdict = refuse("%zu descriptors came with the message; %u to %u are expected", message_.fds().size(),
                     rule->min_fds, rule->max_fds);
  } else if ((now_.protocol_features & rule->needs) != rule->needs) {
    verdict = refuse("protocol feature 0x%" PRIx64 " was not negotiated", rule->needs);
  } else {
    verdict = act();
  }
  if (verdict == Verdict::Pending || reply_.size != 0) return verdict;
  if (rule != nullptr && rule->has_reply) return reply_refusal(rule->refusal);
  if (wants_acknowledgement()) fill_reply(reply_, message_.request(), verdict == Verdict::Done ? 0U : 1U);
  return verdict;
}

Verdict MessageHandler::reply_refusal(RefusalReply refusal) noexcept {
  switch (refusal) {
    case RefusalReply::Value:
      // Bit 8 means "no descriptor is passed" in the reply to SET_DEVICE_STATE_FD.
      fill_reply(reply_, message_.request(), 0x101U);
      return Verdict::Refused;
    case RefusalReply::Empty:
      fill_reply(reply_, message_.request(), std::span<const std::byte>());
      return Verdict::Refused;
    case RefusalReply::None:  // without a reply the front-end would wait forever
      break;
  }
  return Verdict::Broken;
}

// The message that negotiates REPLY_ACK already expects an acknowledgement.
bool MessageHandler::wants_acknowledgement() const noexcept {
  if (!message_.needs_reply()) return false;
  std::uint64_t negotiated = now_.protocol_features;
  if (message_.request() == static_cast<std::uint32_t>(Request::SetProtocolFeatures))
    negotiated |= message_.as<std::uint64_t>();
  return (negotiated & offered_protocol_features() & kVhostPfReplyAck) != 0;
}

Verdict MessageHandler::act() noexcept {
  using enum Request;
  switch (static_cast<Request>(message_.request())) {
    case GetFeatures:
      return get_features();
    case SetFeatures:
      return set_features();
    case SetOwner:
      next_.owned = true;
      return Verdict::Done;
    case ResetOwner:  // deprecated; the specification allows a back-end to ignore it
      return Verdict::Done;
    case SetMemTable:
      return set_mem_table();
    case AddMemReg:
      return add_mem_reg();
    case RemMemReg:
      return rem_mem_reg();
    case GetMaxMemSlots:
      return answer(max_slots());
    case SetVringNum:
      return set_vring_num();
    case SetVringAddr:
      return set_vring_addr();
    case SetVringBase:
      return set_vring_base();
    case GetVringBase:
      return get_vring_base();
    case SetVringKick:
      return set_vring_descriptor(&Vring::kick);
    case SetVringCall:
      return set_vring_descriptor(&Vring::call);
    case SetVringErr:
      return set_vring_descriptor(&Vring::err);
    case SetVringEnable:
      return set_vring_enable();
    case GetProtocolFeatures:
      return answer(offered_protocol_features());
    case SetProtocolFeatures:
      return set_protocol_features();
    case GetQueueNum:
      return get_queue_num();
    case SetBackendReqFd:
      return set_backend_req_fd();
    case GetConfig:
      return get_config();
    case SetConfig:
      return set_config();
    case GetInflightFd:
      return get_inflight_fd();
    case SetInflightFd:
      return set_inflight_fd();
    case SetStatus:
      return set_status();
    case GetStatus:
      return answer(backend_.status());
    case ResetDevice:
      return reset_device();
    default:
      return refuse("the back-end did not offer this request");
  }
}

void MessageHandler::keep_stops() noexcept {
  std::uint32_t bases[kVhostMaxVrings];
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) bases[i] = next_.vrings[i].base;
  next_ = now_;
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) {
    if (!stopped_[i]) continue;
    next_.vrings[i].started = false;
    next_.vrings[i].base = bases[i];
    if (forgotten_[i]) forget(next_.vrings[i]);
  }
}

std::uint32_t MessageHandler::max_queues() const noexcept {
  return std::min(backend_.max_queues(), kVhostMaxVrings);
}

std::uint32_t MessageHandler::max_slots() const noexcept {
  return std::min(backend_.max_memory_slots(), kVhostMaxRegions);
}

Verdict MessageHandler::answer(std::uint64_t value) noexcept {
  fill_reply(reply_, message_.request(), value);
  return Verdict::Done;
}

Verdict MessageHandler::refuse(const char* format, ...) noexcept {
  error_text_.set("%s: ", message_.name());
  std::va_list arguments;
  va_start(arguments, format);
  error_text_.append_list(format, arguments);
  va_end(arguments);
  return Verdict::Refused;
}

// For calls that a back-end must not refuse.
Verdict MessageHandler::verdict_of_certain(Status status) noexcept {
  FALLOW_CHECK(status == Status::Ok || status == Status::Pending);
  return status == Status::Ok ? Verdict::Done : Verdict::Pending;
}

Verdict MessageHandler::verdict_of(Status status, const char* what) noexcept {
  if (status == Status::Ok) return Verdict::Done;
  if (status == Status::Pending) return Verdict::Pending;
  const char* const why = backend_.why();
  return refuse("%s: %s", what, why != nullptr ? why : describe(status));
}

}  // namespace fallow::vhost
