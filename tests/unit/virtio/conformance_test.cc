// Rules of the ring chapters (virtio 1.2, 2.7 and 2.8) that no other test shows, each under its clause.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "fallow/host/hosted_port.h"
#include "fallow/virtio/transport/in_process_transport.h"
#include "tests/support/mock_driver.h"
#include "tests/unit/virtio/ring_format.h"

namespace fallow::detail {
namespace {

using SplitRing = RingOf<SplitFormat>;
using PackedRing = RingOf<PackedFormat>;

DriverQueueConfig config(bool packed, std::uint16_t size, bool event_index = false, bool indirect = false) {
  return {size, {packed, event_index, indirect}, 2, 4};
}

// A copy of guest memory, which shows what was written since.
class Snapshot {
 public:
  explicit Snapshot(GuestBox& box) : box_(box), bytes_(box.at(box.base()), box.at(box.base()) + box.size()) {}

  // Every byte outside the `size` bytes at `start` is as it was.
  bool unchanged_but(GuestPhys start, std::size_t size) const {
    const std::size_t from = (start - box_.base()).raw, to = from + size;
    const std::byte* const now = box_.at(box_.base());
    return std::equal(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(from), now) &&
           std::equal(bytes_.begin() + static_cast<std::ptrdiff_t>(to), bytes_.end(), now + to);
  }
  bool unchanged() const { return unchanged_but(box_.base(), 0); }

 private:
  GuestBox& box_;
  std::vector<std::byte> bytes_;
};

VirtqDesc& split_desc(SplitRing& ring, std::uint64_t i) {
  return ring.box.as<VirtqDesc>(ring.driver.addresses().descriptors + ByteCount{16 * i});
}
PvirtqDesc& packed_desc(PackedRing& ring, std::uint64_t i) {
  return ring.box.as<PvirtqDesc>(ring.driver.addresses().descriptors + ByteCount{16 * i});
}

template <class Format>
class RingConformance : public testing::Test {};
TYPED_TEST_SUITE(RingConformance, RingFormats, RingFormatName);

// 2.7.1, 2.8.11, the driver: the alignment of each part of a queue.
TYPED_TEST(RingConformance, AreasAreAligned) {
  constexpr std::uint64_t kDriverArea = TypeParam::kPacked ? 4 : AvailRing::kAlignment;
  constexpr std::uint64_t kDeviceArea = TypeParam::kPacked ? 4 : UsedRing::kAlignment;
  for (const std::uint16_t size : TypeParam::kSizes) {
    RingOf<TypeParam> ring(ring_config<TypeParam>(size));
    EXPECT_EQ(ring.driver.addresses().descriptors.raw % 16, 0u);
    EXPECT_EQ(ring.driver.addresses().driver_area.raw % kDriverArea, 0u);
    EXPECT_EQ(ring.driver.addresses().device_area.raw % kDeviceArea, 0u);
  }
}

// 2.7.5.1, the device: writes only to the used ring.
TEST(Conformance, ASplitDeviceWritesItsRingAlone) {
  SplitRing ring(config(false, 8, true));
  const GuestPhys buffer = ring.extra();
  const QueueBuffer chain_of_two[] = {readable(buffer.raw, 64), writable(buffer.raw + 64, 64)};
  ASSERT_EQ(ring.driver.add(chain_of_two, 0), Status::Ok);
  const Snapshot before(ring.box);
  Chain chain;
  ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
  ring.device.push(chain, 64);
  static_cast<void>(ring.device.take_notification());
  static_cast<void>(ring.device.ask_for_kicks(true));
  EXPECT_TRUE(before.unchanged_but(ring.driver.addresses().device_area, UsedRing::bytes(8).raw));
}

// 2.8.15, the device: writes only the first descriptor of a chain, once, and its own event structure.
TEST(Conformance, APackedDeviceWritesOneDescriptor) {
  PackedRing ring(config(true, 8, true));
  const GuestPhys buffer = ring.extra();
  const QueueBuffer chain_of_two[] = {readable(buffer.raw, 64), writable(buffer.raw + 64, 64)};
  ASSERT_EQ(ring.driver.add(chain_of_two, 0), Status::Ok);
  const Snapshot before(ring.box);
  Chain chain;
  ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
  EXPECT_TRUE(before.unchanged()) << "pop() wrote to guest memory";
  ring.device.push(chain, 64);
  EXPECT_TRUE(before.unchanged_but(ring.driver.addresses().descriptors, sizeof(PvirtqDesc)));
  const Snapshot used(ring.box);
  static_cast<void>(ring.device.take_notification());
  static_cast<void>(ring.device.ask_for_kicks(true));
  EXPECT_EQ(ring.device.pop(chain), Popped::Nothing);
  EXPECT_TRUE(used.unchanged_but(ring.driver.addresses().device_area, sizeof(PvirtqEventSuppress)));
}

// 2.7.6.1, 2.7.5.3.1, the driver: increments the index by one for each chain. Descriptors are indirect only
// if that was negotiated, never together with NEXT, and never in a table.
TEST(Conformance, FlagsOfSplitDescriptors) {
  for (const bool indirect : {false, true}) {
    SplitRing ring(config(false, 8, false, indirect));
    const AvailRing avail(ring.box.at(ring.driver.addresses().driver_area), 8);
    const QueueBuffer three[] = {readable(0, 1), readable(0, 1), writable(0, 1)};
    std::uint16_t added = 0;
    while (ring.driver.add(three, 0) == Status::Ok) EXPECT_EQ(avail.idx().load(), ++added);
    EXPECT_EQ(added, indirect ? 4u : 2u) << "two chains use tables, and two use the other six descriptors";
    unsigned tables = 0;
    for (std::uint64_t i = 0; i < 8; ++i) {
      const VirtqDesc& desc = split_desc(ring, i);
      if ((desc.flags.load() & kDescIndirect) == 0) continue;
      ++tables;
      EXPECT_EQ(desc.flags.load(), kDescIndirect);
      EXPECT_EQ(desc.len.load(), 48u);
      const auto* const inner = &ring.box.as<VirtqDesc>({desc.addr.load()});
      for (unsigned k = 0; k < 3; ++k) EXPECT_EQ(inner[k].flags.load() & kDescIndirect, 0);
    }
    EXPECT_EQ(tables, indirect ? 2u : 0u);
  }
}

// 2.8.19, the driver: the same rules, and descriptors of a table have no flag except WRITE.
TEST(Conformance, FlagsOfPackedDescriptors) {
  for (const bool indirect : {false, true}) {
    PackedRing ring(config(true, 8, false, indirect));
    const QueueBuffer three[] = {readable(0, 1), readable(0, 1), writable(0, 1)};
    while (ring.driver.add(three, 0) == Status::Ok) continue;
    unsigned tables = 0;
    for (std::uint64_t i = 0; i < 8; ++i) {
      const PvirtqDesc& desc = packed_desc(ring, i);
      if ((desc.flags.load() & kDescIndirect) == 0) continue;
      ++tables;
      EXPECT_EQ(desc.flags.load() & kDescNext, 0);
      const auto* const inner = &ring.box.as<PvirtqDesc>({desc.addr.load()});
      for (unsigned k = 0; k < 3; ++k) EXPECT_EQ(inner[k].flags.load(), k == 2 ? kDescWrite : 0);
    }
    EXPECT_EQ(tables, indirect ? 2u : 0u);
  }
}

// 2.8.16, 2.8.17, 3.3.1, the driver: a chain that does not fit is not begun, and descriptors that the device
// holds are not changed.
TYPED_TEST(RingConformance, AChainThatDoesNotFitTouchesNothing) {
  const QueueBuffer three[] = {readable(0, 1), readable(0, 1), writable(0, 1)};
  RingOf<TypeParam> ring(ring_config<TypeParam>(4));
  ASSERT_EQ(ring.driver.add(three, 0), Status::Ok);
  const Snapshot before(ring.box);
  EXPECT_EQ(ring.driver.add(three, 1), Status::NoMemory);
  EXPECT_TRUE(before.unchanged());
}

// 2.7.7.1, 2.7.10.1, the driver: the flags of its ring are 0 or 1, and 0 with the event index. The flags of
// the used ring are 0 at first, whatever the memory held before.
TEST(Conformance, FlagsOfTheRingsToBeginWith) {
  for (const bool event_index : {false, true}) {
    SplitRing ring(config(false, 8, event_index));
    std::memset(ring.box.at(ring.box.base()), 0xff, ring.box.size());
    ASSERT_EQ(ring.driver.start(config(false, 8, event_index), ring.box.shared(), ring.own()), Status::Ok);
    const AvailRing avail(ring.box.at(ring.driver.addresses().driver_area), 8);
    const UsedRing used(ring.box.at(ring.driver.addresses().device_area), 8);
    EXPECT_EQ(used.flags().load(), 0);
    EXPECT_EQ(avail.flags().load(), 0);
    for (const bool on : {false, true}) {
      static_cast<void>(ring.driver.ask_for_notifications(on));
      EXPECT_EQ(avail.flags().load(), on || event_index ? 0 : kAvailNoInterrupt);
      // 2.7.10.2, the device.
      static_cast<void>(ring.device.ask_for_kicks(on));
      EXPECT_EQ(used.flags().load(), on || event_index ? 0 : kUsedNoNotify);
    }
  }
}

// 2.7.7.2, the device: ignores used_event without the event index, and the flags with it.
TEST(Conformance, ASplitDeviceReadsWhatWasNegotiated) {
  const QueueBuffer one[] = {writable(0, 1)};
  for (const bool event_index : {false, true}) {
    SplitRing ring(config(false, 8, event_index));
    const AvailRing avail(ring.box.at(ring.driver.addresses().driver_area), 8);
    for (std::uint16_t round = 0; round < 20; ++round) {
      const bool wanted = round % 2 == 0;
      if (event_index) {
        avail.flags().store(static_cast<std::uint16_t>(wanted ? 1 : 0));
        avail.used_event().store(static_cast<std::uint16_t>(wanted ? round : round + 5));
      } else {
        avail.flags().store(static_cast<std::uint16_t>(wanted ? 0 : 1));
        avail.used_event().store(static_cast<std::uint16_t>(wanted ? round + 5 : round));
      }
      Chain chain;
      Used used;
      ASSERT_EQ(ring.driver.add(one, 0), Status::Ok);
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      ring.device.push(chain, 0);
      EXPECT_EQ(ring.device.take_notification(), wanted) << event_index << round;
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
    }
  }
}

// 2.7.10.1, the driver: ignores avail_event without the event index, and the flags of the used ring with it.
TEST(Conformance, ASplitDriverReadsWhatWasNegotiated) {
  const QueueBuffer one[] = {writable(0, 1)};
  for (const bool event_index : {false, true}) {
    SplitRing ring(config(false, 8, event_index));
    const UsedRing used_ring(ring.box.at(ring.driver.addresses().device_area), 8);
    for (std::uint16_t round = 0; round < 20; ++round) {
      const bool wanted = round % 2 == 0;
      const bool flag = event_index ? wanted : !wanted, event = event_index == wanted;
      used_ring.flags().store(static_cast<std::uint16_t>(flag ? 1 : 0));
      used_ring.avail_event().store(static_cast<std::uint16_t>(event ? round : round + 5));
      Chain chain;
      Used used;
      ASSERT_EQ(ring.driver.add(one, 0), Status::Ok);
      EXPECT_EQ(ring.driver.take_kick(), wanted) << event_index << round;
      ASSERT_EQ(ring.device.pop(chain), Popped::Chain);
      ring.device.push(chain, 0);
      ASSERT_EQ(ring.driver.take(used), Taken::Used);
    }
  }
}

// 2.8.12, 2.8.18, the device: begins chains in the order of the ring, and writes used descriptors in the
// order of completion.
TEST(Conformance, OrderOfAPackedRing) {
  PackedRing ring(config(true, 4));
  const QueueBuffer one[] = {writable(0, 1)};
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(ring.driver.add(one, i), Status::Ok);
  Chain chains[4];
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_EQ(ring.device.pop(chains[i]), Popped::Chain);
    EXPECT_EQ(chains[i].id, packed_desc(ring, i).id.load());
  }
  const unsigned done[] = {2, 0, 3, 1};
  for (std::uint64_t i = 0; i < 4; ++i) {
    ring.device.push(chains[done[i]], 0);
    EXPECT_EQ(packed_desc(ring, i).id.load(), chains[done[i]].id);
  }
}

// ---- The device as a whole. ----

constexpr std::uint16_t kSize = 16;

// Returns each chain at once.
class Echo final : public VirtioDevice {
 public:
  Echo(const GuestMemory& memory, DriverNotifier& notifier)
      : VirtioDevice(memory, notifier, kFeatureVersion1 | kRingFeatures, 1, kSize, rooms_) {}
  std::uint64_t served = 0;
  void change() { change_config(); }

 private:
  bool serve(std::uint16_t, const Chain&, std::uint32_t& written) noexcept override {
    ++served;
    written = 0;
    return true;
  }
  std::uint32_t config_size() const noexcept override { return 0; }
  void read_config_field(std::uint32_t, std::span<std::byte>) noexcept override {}
  bool write_config_field(std::uint32_t, std::span<const std::byte>) noexcept override { return false; }
  QueueBuffer rooms_[kSize];
};

class ConformingDevice : public ::testing::TestWithParam<Features> {
 protected:
  GuestBox box{64 * 1024};
  CountingNotifier notifier;
  Echo device{box.map(), notifier};
  MockDriver driver{device, box.map(), box.base(), kSize};
  const QueueBuffer one[1] = {readable(box.base().raw + 0xf000, 4)};
};

// 2.1.2, 2.4.1: before DRIVER_OK and after a reset, the device takes no chain, writes nothing and sends no
// notification.
TEST_P(ConformingDevice, IsSilentBeforeDriverOkAndAfterAReset) {
  ASSERT_TRUE(driver.negotiate(GetParam()));
  ASSERT_EQ(driver.set_up(0), Status::Ok);
  driver.add(0, one);
  const Snapshot before(box);
  driver.kick(0);
  EXPECT_TRUE(before.unchanged());
  driver.finish();
  driver.kick(0);
  EXPECT_EQ(device.served, 1u);
  EXPECT_EQ(notifier.used, 1u);
  driver.add(0, one);
  device.set_status(0);
  EXPECT_EQ(device.status(), 0);
  const Snapshot after(box);
  driver.kick(0);
  device.change();
  EXPECT_TRUE(after.unchanged());
  EXPECT_EQ(device.served, 1u);
  EXPECT_EQ(notifier.used, 1u);
  EXPECT_EQ(notifier.config, 0u);
}

// 2.6.1.1.2, 2.6.1.2.1: after the reset of a queue, none of its chains is served. When it is set up again, it
// starts from the first entry, with its new size and addresses.
TEST_P(ConformingDevice, AQueueThatWasResetBeginsAnew) {
  driver.bring_up(GetParam() | kFeatureRingReset);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(driver.exchange(0, one));
  driver.add(0, one);
  static_cast<void>(device.stop_queue(0));
  const Snapshot after(box);
  driver.kick(0);
  EXPECT_EQ(device.served, 5u);
  EXPECT_TRUE(after.unchanged());
  MockDriver other(device, box.map(), box.base() + ByteCount{0x4000}, 4);
  ASSERT_EQ(other.set_up(0), Status::Ok);
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(other.exchange(0, one));
  EXPECT_EQ(device.served, 14u);
  EXPECT_EQ(device.mistakes().rings, 0u);
}

INSTANTIATE_TEST_SUITE_P(Formats, ConformingDevice,
                         ::testing::Values(0, kFeatureEventIdx, kFeatureRingPacked,
                                           kFeatureRingPacked | kFeatureEventIdx));

// 2.4.1: a notification that was pending before a reset is not delivered after it.
TEST(Conformance, AResetForgetsNotifications) {
  struct Calls final : DeviceCalls {
    void queue_used(std::uint16_t) noexcept override { ++count; }
    void config_changed() noexcept override { ++count; }
    int count = 0;
  } calls;
  HostedPort port;
  const Doorbell nothing{[](void*) noexcept {}, nullptr};
  InProcessTransport transport(port, nothing, nothing);
  transport.set_calls(&calls);
  GuestBox box(64 * 1024);
  Echo device(box.map(), transport);
  transport.attach(device);
  MockDriver driver(device, box.map(), box.base(), kSize);
  driver.bring_up(0);
  transport.with_device([&] { device.change(); });
  transport.set_status(0);
  transport.run_driver();
  EXPECT_EQ(calls.count, 0);
}

}  // namespace
}  // namespace fallow::detail
