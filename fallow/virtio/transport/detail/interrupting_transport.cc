#include "fallow/virtio/transport/detail/interrupting_transport.h"

#include "fallow/platform/detail/poll_timeout.h"

namespace fallow::detail {

bool InterruptingTransport::reset() noexcept {
  set_status(0);
  PollTimeout patience(port_);
  while (status() != 0) {
    if (!patience.wait()) return false;
  }
  return true;
}

void InterruptingTransport::forget() noexcept {
  accepted_ = 0;
  started_.store(0, std::memory_order_relaxed);
  news_.forget();
}

void InterruptingTransport::deliver(std::uint8_t causes) noexcept {
  std::uint64_t news = 0;
  if ((causes & kCauseQueues) != 0) news |= started_.load(std::memory_order_relaxed);
  if ((causes & kCauseConfig) != 0) news |= PendingNotifications::kConfig;
  if (news == 0) return;
  news_.add(news);
  news_.pass_on();
}

void InterruptingTransport::set_calls(DeviceCalls* calls) noexcept {
  news_.set_calls(port_, calls);
  news_.pass_on();  // MO-17: a notification may have arrived meanwhile
}

const char* describe(Unusable why) noexcept {
  switch (why) {
    case Unusable::No:
      return "the device is usable";
    case Unusable::NotVirtio:
      return "it is not a virtio device";
    case Unusable::Empty:
      return "there is no device";
    case Unusable::Legacy:
      return "it is a legacy device, older than virtio 1.0";
    case Unusable::UnknownVersion:
      return "its virtio-mmio version is not supported";
    case Unusable::NoCommonConfig:
      return "it has no common configuration structure";
    case Unusable::NoNotifications:
      return "it has no notification structure";
    case Unusable::NoInterruptStatus:
      return "it has no ISR status structure";
    case Unusable::BadCapability:
      return "the capability of a required structure is malformed";
    case Unusable::InIoSpace:
      return "a required structure is in I/O space";
    case Unusable::BeyondBar:
      return "a required structure extends beyond its BAR";
    case Unusable::NotMapped:
      return "a required structure cannot be mapped";
    case Unusable::WindowTooSmall:
      return "its registers do not fit into the mapped window";
    case Unusable::DoesNotReset:
      return "the device does not complete a reset";
  }
  return "unknown reason";
}

}  // namespace fallow::detail
