#include "fallow/balloon/driver/detail/driver_memory.h"

#include <new>

#include "fallow/balloon/driver/balloon_driver.h"

namespace fallow::detail {
namespace {

constexpr std::uint64_t kPage = 4096, kLine = 64;

// Cuts consecutive pieces off a range. Without memory, only counts the bytes.
class Carver {
 public:
  explicit Carver(std::byte* memory, GuestPhys address = {}) noexcept : memory_(memory), address_(address) {}

  SharedMemory take(ByteCount size, std::uint64_t alignment) noexcept {
    const std::uint64_t at = (used_ + alignment - 1) / alignment * alignment;
    used_ = at + size.raw;
    return {memory_ == nullptr ? nullptr : memory_ + at, address_ + ByteCount{at}, size};
  }
  template <class T>
  std::span<T> take_array(std::uint64_t n) noexcept {
    std::byte* const memory = take({n * sizeof(T)}, alignof(std::uint64_t)).memory;
    if (memory == nullptr) return {};
    for (std::uint64_t i = 0; i < n; ++i) new (memory + i * sizeof(T)) T{};
    return {reinterpret_cast<T*>(memory), n};
  }
  ByteCount used() const noexcept { return {used_}; }

 private:
  std::byte* memory_;
  GuestPhys address_;
  std::uint64_t used_ = 0;
};

bool is_aligned(const std::byte* memory, std::uint64_t alignment) {
  return reinterpret_cast<std::uintptr_t>(memory) % alignment == 0;
}

// Returns at least 1, so that sizes can be computed even for a configuration that probe() refuses.
constexpr std::uint16_t queue_size(const BalloonDriverConfig& config) {
  if (config.queue_size == 0) return 1;
  return config.queue_size < kMaxQueueSize ? config.queue_size : std::uint16_t{kMaxQueueSize};
}
constexpr std::uint16_t at_most_queue(const BalloonDriverConfig& config, std::uint32_t n) {
  return n < queue_size(config) ? static_cast<std::uint16_t>(n) : queue_size(config);
}

}  // namespace

// Inflate, deflate and statistics have at most one chain of one element in flight. A little more room costs
// nothing and suits devices that need it.
DriverQueueConfig DriverMemory::ring_config(const BalloonDriverConfig& config, BalloonQueue queue) noexcept {
  constexpr std::uint16_t kSmall = 16;
  DriverQueueConfig ring;
  ring.size = queue_size(config);
  if (queue == BalloonQueue::Reporting) {
    ring.indirect_tables = at_most_queue(config, config.in_flight);
    ring.indirect_length = at_most_queue(config, config.capacity);
  } else if (queue != BalloonQueue::Hint && ring.size > kSmall) {
    ring.size = kSmall;
  }
  return ring;
}

template <class Carver>
void DriverMemory::lay_out_shared(const BalloonDriverConfig& config, Carver& carver) noexcept {
  for (std::size_t i = 0; i < kBalloonQueues; ++i) {
    const DriverQueueConfig wanted = ring_config(config, static_cast<BalloonQueue>(i));
    ring[i].shared = carver.take(DriverRing::shared_size(wanted), kPage);
  }
  const auto buffer = [&](ByteCount size) {
    const SharedMemory piece = carver.take(size, kLine);
    return SharedBuffer{piece.memory, piece.address};
  };
  inflate = buffer({kChunk * kBalloonPfnSize});
  deflate = buffer({kChunk * kBalloonPfnSize});
  statistics = buffer({kStatTags * kStatSize});
  hint_id = buffer({sizeof(Le32)});
  hint_stop = buffer({sizeof(Le32)});
}

template <class Carver>
void DriverMemory::lay_out_own(const BalloonDriverConfig& config, const Zone& zone, Carver& carver) noexcept {
  for (std::size_t i = 0; i < kBalloonQueues; ++i) {
    const DriverQueueConfig wanted = ring_config(config, static_cast<BalloonQueue>(i));
    ring[i].own = carver.template take_array<std::byte>(DriverRing::own_size(wanted).raw);
  }
  elements = carver.template take_array<QueueBuffer>(at_most_queue(config, config.capacity));
  slots = carver.template take_array<ReportSlot>(at_most_queue(config, config.in_flight));
  inflating = carver.template take_array<std::uint32_t>(kChunk);
  deflating = carver.template take_array<std::uint32_t>(kChunk);
  balloon = carver.template take_array<std::uint64_t>(FrameBitmap::words(zone.size().raw));
  hinted = carver.template take_array<std::uint64_t>(FrameBitmap::words(zone.tables().blocks()));
}

ByteCount DriverMemory::shared_size(const BalloonDriverConfig& config) noexcept {
  Carver counting(nullptr);
  DriverMemory().lay_out_shared(config, counting);
  return counting.used();
}

ByteCount DriverMemory::own_size(const BalloonDriverConfig& config, const Zone& zone) noexcept {
  Carver counting(nullptr);
  DriverMemory().lay_out_own(config, zone, counting);
  return counting.used();
}

DriverMemory::DriverMemory(const BalloonDriverConfig& config, const Zone& zone, SharedMemory shared,
                           std::span<std::byte> own) noexcept
    : fits(shared.memory != nullptr && is_aligned(shared.memory, kPage) && shared.address.raw % kPage == 0 &&
           shared.size >= shared_size(config) && is_aligned(own.data(), alignof(std::uint64_t)) &&
           own.size() >= own_size(config, zone).raw) {
  if (!fits) return;
  Carver shared_carver(shared.memory, shared.address), own_carver(own.data());
  lay_out_shared(config, shared_carver);
  lay_out_own(config, zone, own_carver);
}

}  // namespace fallow::detail
