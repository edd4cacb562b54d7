// Features that are offered and accepted, and the state of the device as a whole.
#include <algorithm>
#include <cinttypes>
#include <iterator>

#include "vhost_user/session/request_handlers.h"

namespace fallow::vhost {

// If bit 30 was declined, running rings cannot be disabled. GET_FEATURES is then the last message that a
// driver of User Mode Linux causes before it frees its rings.
Verdict get_features(MessageContext& m) noexcept {
  const bool runs = std::any_of(std::begin(m.now.vrings), std::end(m.now.vrings),
                                [](const Vring& ring) { return ring.started; });
  if (runs && (m.now.features & kVhostFProtocolFeatures) == 0) {
    const auto v = verdict_of_certain(m.backend.driver_may_leave());
    if (v != Verdict::Done) return v;
  }
  return m.answer(m.backend.features() | kVhostFProtocolFeatures);
}

// A driver that drops a feature may cause this message twice, the second time without bit 30. Its rings are
// then enabled, because no SET_VRING_ENABLE will follow. If rings run, the message comes from another driver:
// the rings of the previous one may lie in memory that was freed since.
Verdict set_features(MessageContext& m) noexcept {
  const auto features = m.message.as<std::uint64_t>();
  const std::uint64_t strange = features & ~(m.backend.features() | kVhostFProtocolFeatures);
  if (strange != 0) return m.refuse("the features 0x%" PRIx64 " were not offered", strange);
  // This check precedes any change to a ring.
  const Features missing = m.backend.needed_features() & ~features;
  if (missing != 0)
    return m.refuse("the features 0x%" PRIx64 " are missing, and the device requires them", missing);
  m.next.features = features;
  m.next.features_set = true;
  if (const auto v = m.begin_anew(); v != Verdict::Done) return v;
  return m.verdict_of(m.backend.set_features(features & ~kVhostFProtocolFeatures), "features");
}

Verdict set_protocol_features(MessageContext& m) noexcept {
  const auto features = m.message.as<std::uint64_t>();
  const std::uint64_t strange = features & ~m.offered_protocol_features();
  if (strange != 0) return m.refuse("the protocol features 0x%" PRIx64 " were not offered", strange);
  m.next.protocol_features = features;
  return Verdict::Done;
}

// Allowed as soon as MQ is offered.
Verdict get_queue_num(MessageContext& m) noexcept {
  if ((m.offered_protocol_features() & kVhostPfMq) == 0)
    return m.refuse("the protocol feature MQ was not offered");
  return m.answer(m.max_queues());
}

Verdict set_status(MessageContext& m) noexcept {
  const auto status = m.message.as<std::uint64_t>();
  if (status > 0xff) return m.refuse("status 0x%" PRIx64 " is not within 0 to 0xff", status);
  if (status == 0) {
    if (const auto v = m.begin_anew(); v != Verdict::Done) return v;
    for (Vring& ring : m.next.vrings) ring.enabled = false;
  }
  m.next.status = static_cast<std::uint8_t>(status);
  return m.verdict_of(m.backend.set_status(m.next.status), "the status of the device");
}

Verdict reset_device(MessageContext& m) noexcept {
  if (const auto v = m.begin_anew(); v != Verdict::Done) return v;
  for (Vring& ring : m.next.vrings) ring.enabled = false;
  m.next.status = 0;
  return m.verdict_of(m.backend.reset_device(), "resetting the device");
}

Verdict set_backend_req_fd(MessageContext& m) noexcept {
  if (const auto v = m.expect_stream(m.message.fds()[0]); v != Verdict::Done) return v;
  m.next.backend_req = m.message.fds()[0];
  return Verdict::Done;
}

}  // namespace fallow::vhost
