// A split ring: MO-10 to MO-12.
#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "tests/explore/world/ring_scenarios.h"

namespace fallow::explore {

using SplitRing = RingPair<detail::SplitDriverQueue, detail::SplitDeviceQueue, false>;

FALLOW_SCENARIO(SplitChainBeforeItsIndex,
                "MO-10: a chain and the content of its buffers are visible before the index") {
  chain_arrives<SplitRing>({});
}
FALLOW_SCENARIO(SplitLongChainBeforeItsIndex, "MO-10: all of a chain is visible before the index") {
  chain_arrives<SplitRing>({.size = 4, .elements = 3});
}
FALLOW_SCENARIO(SplitTableBeforeItsIndex, "MO-10: an indirect table is visible before the index") {
  chain_arrives<SplitRing>({.elements = 2, .indirect = true});
}
FALLOW_SCENARIO(SplitElementBeforeItsIndex,
                "MO-11: a used element and what the device wrote are visible before the index") {
  chain_comes_back<SplitRing>();
}
FALLOW_SCENARIO(SplitKickByEventIndex, "MO-12: the device is kicked or sees the chain (event index)") {
  device_is_kicked<SplitRing>({});
}
FALLOW_SCENARIO(SplitKickByFlags, "MO-12: the device is kicked or sees the chain (flags)") {
  device_is_kicked<SplitRing>({.event_index = false});
}
FALLOW_SCENARIO(SplitNotificationByEventIndex,
                "MO-12: the driver is notified or sees the chain (event index)") {
  driver_is_notified<SplitRing>({});
}
FALLOW_SCENARIO(SplitNotificationByFlags, "MO-12: the driver is notified or sees the chain (flags)") {
  driver_is_notified<SplitRing>({.event_index = false});
}
FALLOW_SCENARIO(SplitRingOfTwo, "MO-10 to MO-12: three chains on a ring of two, and both ends sleep") {
  both_sleep<SplitRing>({}, 3);
}
FALLOW_SCENARIO(SplitRingOfTwoByFlags,
                "MO-10 to MO-12: three chains on a ring of two, and both ends sleep (flags)") {
  both_sleep<SplitRing>({.event_index = false}, 3);
}
FALLOW_SCENARIO(SplitRingOfFour, "MO-10 to MO-12: long chains on a ring of four, and both ends sleep") {
  both_sleep<SplitRing>({.size = 4, .elements = 3}, 2);
}

}  // namespace fallow::explore
