// Features that are offered and accepted, and the state of the device as a whole.
#include <algorithm>
#include <cinttypes>
#include <iterator>

#include "vhost_user/session/message_handler.h"

namespace fallow::vhost {

// If bit 30 was declined, running rings cannot be disabled. GET_FEATURES is then the last message that a
// driver of User Mode Linux causes before it frees its rings.
Verdict MessageHandler::get_features() noexcept {
  const bool runs = std::any_of(std::begin(now_.vrings), std::end(now_.vrings),
                                [](const Vring& ring) { return ring.started; });
  if (runs && (now_.features & kVhostFProtocolFeatures) == 0) {
    const auto v = verdict_of_certain(backend_.driver_may_leave());
    if (v != Verdict::Done) return v;
  }
  return answer(backend_.features() | kVhostFProtocolFeatures);
}

// A driver that drops a feature may cause this message twice, the second time without bit 30. Its rings are
// then enabled, because no SET_VRING_ENABLE will follow. If rings run, the message comes from another driver:
// the rings of the previous one may lie in memory that was freed since.
Verdict MessageHandler::set_features() noexcept {
  const auto features = message_.as<std::uint64_t>();
  const std::uint64_t strange = features & ~(backend_.features() | kVhostFProtocolFeatures);
  if (strange != 0) return refuse("the features 0x%" PRIx64 " were not offered", strange);
  // This check precedes any change to a ring.
  const Features missing = backend_.needed_features() & ~features;
  if (missing != 0)
    return refuse("the features 0x%" PRIx64 " are missing, and the device requires them", missing);
  next_.features = features;
  next_.features_set = true;
  if (const auto v = begin_anew(); v != Verdict::Done) return v;
  return verdict_of(backend_.set_features(features & ~kVhostFProtocolFeatures), "features");
}

Verdict MessageHandler::set_protocol_features() noexcept {
  const auto features = message_.as<std::uint64_t>();
  const std::uint64_t strange = features & ~offered_protocol_features();
  if (strange != 0) return refuse("the protocol features 0x%" PRIx64 " were not offered", strange);
  next_.protocol_features = features;
  return Verdict::Done;
}

// Allowed as soon as MQ is offered.
Verdict MessageHandler::get_queue_num() noexcept {
  if ((offered_protocol_features() & kVhostPfMq) == 0)
    return refuse("the protocol feature MQ was not offered");
  return answer(max_queues());
}

Verdict MessageHandler::set_status() noexcept {
  const auto status = message_.as<std::uint64_t>();
  if (status > 0xff) return refuse("status 0x%" PRIx64 " is not within 0 to 0xff", status);
  if (status == 0) {
    if (const auto v = begin_anew(); v != Verdict::Done) return v;
    for (Vring& ring : next_.vrings) ring.enabled = false;
  }
  next_.status = static_cast<std::uint8_t>(status);
  return verdict_of(backend_.set_status(next_.status), "the status of the device");
}

Verdict MessageHandler::reset_device() noexcept {
  if (const auto v = begin_anew(); v != Verdict::Done) return v;
  for (Vring& ring : next_.vrings) ring.enabled = false;
  next_.status = 0;
  return verdict_of(backend_.reset_device(), "resetting the device");
}

Verdict MessageHandler::set_backend_req_fd() noexcept {
  if (const auto v = expect_stream(message_.fds()[0]); v != Verdict::Done) return v;
  next_.backend_req = message_.fds()[0];
  return Verdict::Done;
}

}  // namespace fallow::vhost
