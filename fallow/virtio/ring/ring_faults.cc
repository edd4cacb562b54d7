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
      return "the next field of a descriptor names a descriptor that does not exist";
    case RingFault::ChainTooLong:
      return "a chain loops or is longer than the queue";
    case RingFault::ChainCutOff:
      return "only a part of a chain was made available";
    case RingFault::IndirectNotNegotiated:
      return "an indirect descriptor, but the feature is not negotiated";
    case RingFault::IndirectNested:
      return "an indirect table contains an indirect descriptor";
    case RingFault::IndirectWithNext:
      return "an indirect descriptor with a next descriptor";
    case RingFault::IndirectLength:
      return "the length of an indirect table is 0 or not a multiple of 16";
    case RingFault::IndirectOutsideMemory:
      return "an indirect table is outside guest memory";
    case RingFault::WrongOrder:
      return "a readable element follows a writable one";
  }
  return "unknown fault";
}

const char* describe(DeviceFault fault) noexcept {
  switch (fault) {
    case DeviceFault::None:
      return "no fault";
    case DeviceFault::IndexJumped:
      return "the device returned more chains than are in flight";
    case DeviceFault::IdOutOfRange:
      return "the device returned a chain whose id is out of range";
    case DeviceFault::IdNotInFlight:
      return "the device returned a chain that is not in flight";
  }
  return "unknown fault";
}

}  // namespace fallow
