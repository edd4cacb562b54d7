// The two ends of a ring on two threads, in both formats.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/virtio/ring_format.h"

namespace fallow::detail {
namespace {

// Serves `count` chains: multiplies the number in the first buffer of each by three. Sleeps on `kicks` while
// no chain is available.
template <class Ring>
void serve_chains(Ring& ring, std::uint64_t count, std::atomic<std::uint32_t>& kicks,
                  std::atomic<std::uint32_t>& notifications) {
  for (std::uint64_t served = 0; served < count;) {
    Chain chain;
    if (ring.device.pop(chain) == Popped::Chain) {
      auto& value = ring.box.template as<std::uint64_t>(chain.buffers[0].address);
      value = value * 3;
      ring.device.push(chain, 8);
      ++served;
      if (ring.device.take_notification()) notifications.fetch_add(1);
    } else if (!ring.device.ask_for_kicks(true)) {
      while (kicks.exchange(0) == 0) std::this_thread::yield();
    }
  }
}

// Exchanges `count` chains of 1 to `size` descriptors with a device on another thread.
template <class Ring>
void exchange_chains(Ring& ring, std::uint16_t size, std::uint64_t count) {
  std::atomic<std::uint32_t> kicks{0}, notifications{0};
  std::thread device([&] { serve_chains(ring, count, kicks, notifications); });
  const auto slot = [&](std::uint64_t n) { return ring.extra() + ByteCount{n % 8 * 8}; };
  const auto length = [size](std::uint64_t n) { return 1 + n % size; };
  std::uint64_t added = 0, back = 0, held = 0;  // held: descriptors in flight
  while (back < count) {
    if (added < count && added - back < 4) {
      ring.box.template as<std::uint64_t>(slot(added)) = added;
      std::vector<QueueBuffer> chain(length(added), writable(0, 0));
      chain[0] = writable(slot(added).raw, 8);
      const bool fits = held + chain.size() <= size;
      ASSERT_EQ(ring.driver.add(chain, added), fits ? Status::Ok : Status::NoMemory);
      if (fits) {
        held += length(added++);
        if (ring.driver.take_kick()) kicks.fetch_add(1);
        continue;
      }
    }
    Used used;
    if (ring.driver.take(used) == Taken::Used) {
      held -= length(back);
      ASSERT_EQ(used.token, back++);
      ASSERT_EQ(ring.box.template as<std::uint64_t>(slot(used.token)), used.token * 3);
    } else if (!ring.driver.ask_for_notifications(true)) {
      while (notifications.exchange(0) == 0) std::this_thread::yield();
    }
  }
  device.join();
}

template <class Format>
class QueueThreads : public testing::Test {};
TYPED_TEST_SUITE(QueueThreads, RingFormats, RingFormatName);

// MO-10 to MO-15: two threads exchange chains and their content in both directions. Each thread sleeps while
// it has no work, and neither sleeps for ever.
TYPED_TEST(QueueThreads, WakeEachOther) {
  for (const std::uint16_t size : TypeParam::kSmallSizes) {
    if (size > 4) continue;
    for (const bool event_index : {false, true}) {
      SCOPED_TRACE(testing::Message() << "size " << size << ", event index " << event_index);
      RingOf<TypeParam> ring(ring_config<TypeParam>(size, event_index), 4 * 4096);
      exchange_chains(ring, size, 30000);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace fallow::detail
