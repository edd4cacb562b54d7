#include "tests/explore/world/balloon_world.h"

#include "fallow/virtio/ring/detail/split_layout.h"

namespace fallow::explore {
namespace {

std::span<std::byte> bytes_of(ByteCount size, std::size_t alignment = 64) {
  return {static_cast<std::byte*>(arena().allocate(size.raw, alignment)), size.raw};
}

// The addresses of the guest's frames as the device sees them; the device never accesses them.
alignas(kFrameSize) std::byte the_frames[BlockContents::kFrames.raw << kFrameShift];

}  // namespace

BalloonWorld::BalloonWorld() {
  constexpr Features kFeatures = kBalloonPageReporting | kFeatureEventIdx | kFeatureRingReset;
  const ZoneConfig zone{{0}, BlockContents::kFrames, 1};
  zone_ = Zone::create(port_, zone, bytes_of(Zone::metadata_size(zone))).value();

  BalloonDriverConfig config;
  config.features = kFeatures;
  config.queue_size = kQueueSize;
  config.capacity = 2;
  const ByteCount shared_size = BalloonDriver::shared_size(config);
  const auto shared_bytes =
      bytes_of({(shared_size.raw + kFrameSize - 1) / kFrameSize * kFrameSize}, kFrameSize);
  const SharedMemory shared{shared_bytes.data(), {bytes(BlockContents::kFrames).raw}, {shared_bytes.size()}};
  const MappedRegion regions[] = {{{{0}, bytes(BlockContents::kFrames), the_frames}, &contents, {0}},
                                  {{shared.address, shared.size, shared.memory}, &contents, {0}}};
  bool good = map_.assign(regions) == Status::Ok;

  BalloonDeviceConfig device;
  device.features = kFeatures;
  device.max_queue_size = kQueueSize;
  device_ = BalloonDevice::create(device, map_, transport, nullptr,
                                  bytes_of(BalloonDevice::metadata_size(device, map_)))
                .value();
  transport.attach(*device_);

  const ByteCount own = BalloonDriver::own_size(config, *zone_);
  driver_ =
      &arena().make<BalloonDriver>(port_, transport, *zone_, zone_->cache(0), config, shared, bytes_of(own));
  driver_->set_completion({complete, this});
  good = good && driver_->probe() == Status::Ok;
  if (!good) engine().fail("the scenario's driver does not come up");

  const detail::DriverMemory memory(config, *zone_, shared, bytes_of(own));
  std::byte* const ring = memory.ring[static_cast<std::size_t>(BalloonQueue::Reporting)].shared.memory;
  constexpr std::uint64_t kUsedRing = 128;  // each area starts a cache line, and fills one
  used_index_ = &detail::UsedRing(ring + kUsedRing, kQueueSize).idx();
  work_until_quiet(port_.now());
  kicked_.store(false, std::memory_order_relaxed);
}

void BalloonWorld::complete(void* context, std::uint32_t, Status status) noexcept {
  auto& self = *static_cast<BalloonWorld*>(context);
  self.completed = status;
  self.completer = engine().self();
  self.completions.fetch_add(1, std::memory_order_release);
}

bool BalloonWorld::work() {
  if (!port_.take_if_due()) return false;
  const Nanoseconds next = driver_->work();
  if (next != kNever) port_.wake_at(next);
  return true;
}

void BalloonWorld::serve_report() {
  const std::uint64_t before = device_->stats().reports;
  while (device_->stats().reports == before) {
    while (!kicked_.exchange(false, std::memory_order_acquire)) engine().wait();
    transport.run_device();
  }
}

void BalloonWorld::check_completed_once(Status status) {
  const unsigned wanted = status == Status::Pending ? 1 : 0;
  if (completions.load(std::memory_order_acquire) != wanted)
    engine().fail("DRV-2: a request was completed " +
                  std::to_string(completions.load(std::memory_order_acquire)) + " times, and should be " +
                  std::to_string(wanted) + " times");
}

void BalloonWorld::work_until_quiet(Nanoseconds until) {
  constexpr unsigned kRounds = 100;
  for (unsigned round = 0; port_.next_deadline() <= until; ++round) {
    if (round == kRounds) engine().fail("the worker never sleeps");
    if (port_.next_deadline() > port_.now()) port_.advance_to(port_.next_deadline());
    work();
  }
}

}  // namespace fallow::explore
