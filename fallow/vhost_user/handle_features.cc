// What is offered and accepted, and the state of the device as a whole.
#include <cinttypes>

#include "fallow/vhost_user/handling.h"

namespace fallow {

VhostVerdict VhostHandling::get_features() noexcept {
  return answer(backend_.features() | kVhostFProtocolFeatures);
}

// A driver that drops a feature may send this twice, the second time without bit 30; its rings are enabled
// then, since no SET_VRING_ENABLE will follow.
VhostVerdict VhostHandling::set_features() noexcept {
  const auto features = message_.as<std::uint64_t>();
  const std::uint64_t strange = features & ~(backend_.features() | kVhostFProtocolFeatures);
  if (strange != 0) return refuse("the features 0x%" PRIx64 " were not offered", strange);
  next_.features = features;
  next_.features_set = true;
  // The format of a ring depends on them.
  if (((features ^ now_.features) & ~kVhostFProtocolFeatures) != 0) {
    if (const auto v = stop_all(); v != VhostVerdict::Done) return v;
  }
  const auto set = verdict_of(backend_.set_features(features & ~kVhostFProtocolFeatures), "features");
  if (set != VhostVerdict::Done) return set;
  for (std::uint32_t i = 0; i < kVhostMaxVrings; ++i) {
    if (!next_.vrings[i].started || next_.enabled(i) == now_.enabled(i)) continue;
    const auto v = verdict_of_certain(backend_.enable_ring(i, next_.enabled(i)));
    if (v != VhostVerdict::Done) return v;
  }
  return VhostVerdict::Done;
}

VhostVerdict VhostHandling::set_protocol_features() noexcept {
  const auto features = message_.as<std::uint64_t>();
  const std::uint64_t strange = features & ~offered_protocol_features();
  if (strange != 0) return refuse("the protocol features 0x%" PRIx64 " were not offered", strange);
  next_.protocol_features = features;
  return VhostVerdict::Done;
}

// May be asked as soon as MQ is offered.
VhostVerdict VhostHandling::get_queue_num() noexcept {
  if ((offered_protocol_features() & kVhostPfMq) == 0) return refuse("multiple queues were not offered");
  return answer(max_queues());
}

VhostVerdict VhostHandling::set_status() noexcept {
  const auto status = message_.as<std::uint64_t>();
  if (status > 0xff) return refuse("status 0x%" PRIx64 " is no byte", status);
  if (status == 0) {
    if (const auto v = stop_all(); v != VhostVerdict::Done) return v;
    for (Vring& ring : next_.vrings) ring.enabled = false;
  }
  next_.status = static_cast<std::uint8_t>(status);
  return verdict_of(backend_.set_status(next_.status), "the status of the device");
}

VhostVerdict VhostHandling::reset_device() noexcept {
  if (const auto v = stop_all(); v != VhostVerdict::Done) return v;
  for (Vring& ring : next_.vrings) ring.enabled = false;
  next_.status = 0;
  return verdict_of(backend_.reset_device(), "resetting the device");
}

VhostVerdict VhostHandling::set_backend_req_fd() noexcept {
  next_.backend_req = message_.fds()[0];
  return VhostVerdict::Done;
}

}  // namespace fallow
