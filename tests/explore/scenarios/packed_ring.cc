// A packed ring: MO-13 to MO-15.
#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "tests/explore/world/ring_scenarios.h"

namespace fallow::explore {

using PackedRing = RingPair<detail::PackedDriverQueue, detail::PackedDeviceQueue, true>;

FALLOW_SCENARIO(PackedDescriptorBeforeItsFlags,
                "MO-13: a descriptor and the content of its buffer are visible before its flags") {
  chain_arrives<PackedRing>({});
}
FALLOW_SCENARIO(PackedChainBeforeItsFlags,
                "MO-13: all of a chain is visible before the flags of its first descriptor") {
  chain_arrives<PackedRing>({.size = 4, .elements = 3});
}
FALLOW_SCENARIO(PackedTableBeforeItsFlags, "MO-13: an indirect table is visible before the flags") {
  chain_arrives<PackedRing>({.elements = 2, .indirect = true});
}
FALLOW_SCENARIO(PackedUsedBeforeItsFlags,
                "MO-13: a used descriptor and what the device wrote are visible before its flags") {
  chain_comes_back<PackedRing>();
}
FALLOW_SCENARIO(PackedKickByEventIndex,
                "MO-14, MO-13: the device is kicked or sees the chain (event index)") {
  device_is_kicked<PackedRing>({});
}
FALLOW_SCENARIO(PackedKickByFlags, "MO-14: the device is kicked or sees the chain (flags)") {
  device_is_kicked<PackedRing>({.event_index = false});
}
FALLOW_SCENARIO(PackedNotificationByEventIndex,
                "MO-15, MO-13: the driver is notified or sees the chain (event index)") {
  driver_is_notified<PackedRing>({});
}
FALLOW_SCENARIO(PackedNotificationByFlags, "MO-15: the driver is notified or sees the chain (flags)") {
  driver_is_notified<PackedRing>({.event_index = false});
}
FALLOW_SCENARIO(PackedRingOfTwo, "MO-13 to MO-15: three chains on a ring of two, and both ends sleep") {
  both_sleep<PackedRing>({}, 3);
}
FALLOW_SCENARIO(PackedRingOfTwoByFlags,
                "MO-13 to MO-15: three chains on a ring of two, and both ends sleep (flags)") {
  both_sleep<PackedRing>({.event_index = false}, 3);
}
// The event structures move from one descriptor to the next without being switched off.
FALLOW_SCENARIO(PackedRingAlwaysArmed,
                "MO-13 to MO-15: each end asks for a notification of each chain in turn") {
  both_sleep<PackedRing>({.disarms = false}, 3);
}
FALLOW_SCENARIO(PackedRingOfFour, "MO-13 to MO-15: long chains on a ring of four, and both ends sleep") {
  both_sleep<PackedRing>({.size = 4, .elements = 3}, 2);
}

}  // namespace fallow::explore
