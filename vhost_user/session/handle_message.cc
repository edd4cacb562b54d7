#include "vhost_user/session/handle_message.h"

#include <cinttypes>

#include "vhost_user/session/request_handlers.h"

namespace fallow::vhost {
namespace {

Verdict reply_refusal(MessageContext& m, RefusalReply refusal) noexcept {
  switch (refusal) {
    case RefusalReply::Value:
      // Bit 8 means "no descriptor is passed" in the reply to SET_DEVICE_STATE_FD.
      fill_reply(m.reply, m.message.request(), 0x101U);
      return Verdict::Refused;
    case RefusalReply::Empty:
      fill_reply(m.reply, m.message.request(), std::span<const std::byte>());
      return Verdict::Refused;
    case RefusalReply::None:  // without a reply the front-end would wait forever
      break;
  }
  return Verdict::Broken;
}

// The message that negotiates REPLY_ACK already expects an acknowledgement.
bool wants_acknowledgement(const MessageContext& m) noexcept {
  if (!m.message.needs_reply()) return false;
  std::uint64_t negotiated = m.now.protocol_features;
  if (m.message.request() == static_cast<std::uint32_t>(Request::SetProtocolFeatures))
    negotiated |= m.message.as<std::uint64_t>();
  return (negotiated & m.offered_protocol_features() & kVhostPfReplyAck) != 0;
}

Verdict act(MessageContext& m) noexcept {
  using enum Request;
  switch (static_cast<Request>(m.message.request())) {
    case GetFeatures:
      return get_features(m);
    case SetFeatures:
      return set_features(m);
    case SetOwner:
      m.next.owned = true;
      return Verdict::Done;
    case ResetOwner:  // deprecated; the specification allows a back-end to ignore it
      return Verdict::Done;
    case SetMemTable:
      return set_mem_table(m);
    case AddMemReg:
      return add_mem_reg(m);
    case RemMemReg:
      return rem_mem_reg(m);
    case GetMaxMemSlots:
      return m.answer(m.max_slots());
    case SetVringNum:
      return set_vring_num(m);
    case SetVringAddr:
      return set_vring_addr(m);
    case SetVringBase:
      return set_vring_base(m);
    case GetVringBase:
      return get_vring_base(m);
    case SetVringKick:
      return set_vring_descriptor(m, &Vring::kick);
    case SetVringCall:
      return set_vring_descriptor(m, &Vring::call);
    case SetVringErr:
      return set_vring_descriptor(m, &Vring::err);
    case SetVringEnable:
      return set_vring_enable(m);
    case GetProtocolFeatures:
      return m.answer(m.offered_protocol_features());
    case SetProtocolFeatures:
      return set_protocol_features(m);
    case GetQueueNum:
      return get_queue_num(m);
    case SetBackendReqFd:
      return set_backend_req_fd(m);
    case GetConfig:
      return get_config(m);
    case SetConfig:
      return set_config(m);
    case GetInflightFd:
      return get_inflight_fd(m);
    case SetInflightFd:
      return set_inflight_fd(m);
    case SetStatus:
      return set_status(m);
    case GetStatus:
      return m.answer(m.backend.status());
    case ResetDevice:
      return reset_device(m);
    default:
      return m.refuse("the back-end did not offer this request");
  }
}

}  // namespace

Verdict handle_message(MessageContext& m) noexcept {
  const RequestRule* const rule = m.message.rule();
  Verdict verdict = Verdict::Refused;
  if (rule == nullptr) {
    verdict = m.refuse("request %u is unknown", m.message.request());
  } else if (!rule->served) {
    verdict = m.refuse("the back-end did not offer this request");
  } else if (m.message.fds().size() > rule->max_fds && rule->max_fds == 0) {
    static_cast<void>(
        m.refuse("%zu descriptors came with the message; none is allowed", m.message.fds().size()));
    return Verdict::Broken;
  } else if (m.message.fds().size() < rule->min_fds || m.message.fds().size() > rule->max_fds) {
    verdict = m.refuse("%zu descriptors came with the message; %u to %u are expected", m.message.fds().size(),
                       rule->min_fds, rule->max_fds);
  } else if ((m.now.protocol_features & rule->needs) != rule->needs) {
    verdict = m.refuse("protocol feature 0x%" PRIx64 " was not negotiated", rule->needs);
  } else {
    verdict = act(m);
  }
  if (verdict == Verdict::Pending || m.reply.size != 0) return verdict;
  if (rule != nullptr && rule->has_reply) return reply_refusal(m, rule->refusal);
  if (wants_acknowledgement(m)) fill_reply(m.reply, m.message.request(), verdict == Verdict::Done ? 0U : 1U);
  return verdict;
}

}  // namespace fallow::vhost
