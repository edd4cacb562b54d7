#include "fallow/virtio/interrupting_transport.h"

namespace fallow {

const char* describe(Unusable why) noexcept {
  switch (why) {
    case Unusable::No:
      return "it can be used";
    case Unusable::NotVirtio:
      return "it is no virtio device";
    case Unusable::Empty:
      return "there is no device";
    case Unusable::Legacy:
      return "it is a legacy device, of before virtio 1.0";
    case Unusable::UnknownVersion:
      return "its version of virtio-mmio is unknown";
    case Unusable::NoCommonConfig:
      return "it has no common configuration structure";
    case Unusable::NoNotifications:
      return "it has no notification structure";
    case Unusable::NoInterruptStatus:
      return "it has no ISR status";
    case Unusable::BadCapability:
      return "the capability of a structure that is needed is malformed";
    case Unusable::InIoSpace:
      return "a structure that is needed is in I/O ports";
    case Unusable::BeyondBar:
      return "a structure that is needed is not inside its BAR";
    case Unusable::NotMapped:
      return "a structure that is needed cannot be mapped";
    case Unusable::WindowTooSmall:
      return "its registers do not fit into their window";
    case Unusable::DoesNotReset:
      return "it does not reset";
  }
  return "unknown reason";
}

}  // namespace fallow
