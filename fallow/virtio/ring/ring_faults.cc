#include "fallow/virtio/ring/device_queue.h"
#include "fallow/virtio/ring/driver_queue.h"

namespace fallow {

const char* describe(RingFault fault) noexcept {
  switch (fault) {
    case RingFault::None:
      return "no fault";
    case RingFault::IndexJumped:
      return "the available index moved by more than the queue size";
    case RingFault::HeadOutOfRange:
      return "the available ring names a descriptor that does not exist";
    case RingFault::NextOutOfRange:
      return "a next field names a descriptor that does not exist";
    case RingFault::ChainTooLong:
      return "a chain is longer than the queue, or loops";
    case RingFault::ChainCutOff:
      return "a chain is available only in part";
    case RingFault::IndirectNotNegotiated:
      return "an indirect descriptor without the feature";
    case RingFault::IndirectNested:
      return "an indirect descriptor in an indirect table";
    case RingFault::IndirectWithNext:
      return "an indirect descriptor that is followed by another";
    case RingFault::IndirectLength:
      return "an indirect table that is empty or cut off";
    case RingFault::IndirectOutsideMemory:
      return "an indirect table outside guest memory";
    case RingFault::WrongOrder:
      return "a readable element after a writable one";
  }
  return "unknown fault";
}

const char* describe(DeviceFault fault) noexcept {
  switch (fault) {
    case DeviceFault::None:
      return "no fault";
    case DeviceFault::IndexJumped:
      return "more chains were returned than are in flight";
    case DeviceFault::IdOutOfRange:
      return "a chain was returned that there cannot be";
    case DeviceFault::IdNotInFlight:
      return "a chain was returned that is not in flight";
  }
  return "unknown fault";
}

}  // namespace fallow
