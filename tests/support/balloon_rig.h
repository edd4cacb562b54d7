// The fixture of the device tests: a balloon device with a guest's memory behind it and a driver in front of
// it.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "fallow/balloon/device/balloon_device.h"
#include "tests/support/mock_driver.h"
#include "tests/support/recording_backing.h"

namespace fallow {

// A region of the guest: `frames` frames at guest frame `guest`, backed by the backing's frames from `target`
// on.
struct RigRegion {
  std::uint64_t guest, frames, target;
};

class BalloonRig {
 public:
  static constexpr std::uint64_t kFrames = 2048;  // number of frames of the backing
  static constexpr Pfn kFirst{0x4000};            // its first frame
  // The rings, and space for lists, away from the pages that tests report.
  static constexpr std::uint64_t kRingsFrame = 0x9'0000, kRingsFrames = 256;
  static constexpr GuestPhys kRings{kRingsFrame << kFrameShift};
  static constexpr GuestPhys kRoom{(kRingsFrame + 192) << kFrameShift};

  struct Options {
    std::vector<RigRegion> regions = {{0x100, 1024, 0}};  // targets count from the backing's first frame
    std::uint64_t page = 1;
    Features features = kEverything;
    std::uint16_t queue_size = 64;
    BalloonObserver* observer = nullptr;
  };
  static constexpr Features kEverything = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom |
                                          kBalloonFreePageHint | kBalloonPagePoison | kBalloonPageReporting |
                                          kBalloonInitReported | kRingFeatures;

  BalloonRig() : BalloonRig(Options{}) {}
  explicit BalloonRig(const Options& options)
      : ram_(bytes_of(kFrames)),
        ring_ram_(bytes_of(kRingsFrames)),
        backing(ram_.get(), kFirst, {kFrames}, {options.page}),
        rings_backing(ring_ram_.get(), {0}, {kRingsFrames}),
        regions_(options.regions) {
    std::memset(ram_.get(), kFill, kFrames << kFrameShift);
    std::vector<MappedRegion> mapped;
    for (const RigRegion& r : regions_)
      mapped.push_back(
          {{address_of(Pfn{r.guest}), {r.frames << kFrameShift}, ram_.get() + (r.target << kFrameShift)},
           &backing,
           kFirst + PfnCount{r.target}});
    mapped.push_back({{kRings, {kRingsFrames << kFrameShift}, ring_ram_.get()}, &rings_backing, {0}});
    FALLOW_CHECK(map.assign(mapped) == Status::Ok);
    BalloonDeviceConfig config;
    config.features = options.features;
    config.max_queue_size = options.queue_size;
    const ByteCount size = BalloonDevice::metadata_size(config, map);
    metadata_ = bytes_of((size.raw >> kFrameShift) + 1);
    std::memset(metadata_.get(), 0, size.raw);
    const Result<BalloonDevice*> made =
        BalloonDevice::create(config, map, notifier, options.observer, {metadata_.get(), size.raw});
    FALLOW_CHECK(made.ok());
    device_ = made.value();
    driver = std::make_unique<MockDriver>(*device_, map.guest(), kRings, options.queue_size);
  }

  BalloonDevice& device() { return *device_; }
  BalloonDeviceStats stats() { return device_->stats(); }
  std::uint64_t refused(Refusal why) { return stats().refused[static_cast<std::size_t>(why)]; }
  std::uint16_t number(BalloonQueue queue) { return device_->number(queue); }

  void bring_up(Features features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonFreePageHint |
                                    kBalloonPageReporting) {
    driver->bring_up(features);
  }

  // ---- Requests and their results. ----

  std::optional<std::uint32_t> report(std::initializer_list<detail::QueueBuffer> buffers) {
    return driver->exchange(number(BalloonQueue::Reporting), buffers);
  }
  std::optional<std::uint32_t> report(std::span<const detail::QueueBuffer> buffers) {
    return driver->exchange(number(BalloonQueue::Reporting), buffers);
  }
  std::optional<std::uint32_t> inflate(const std::vector<std::uint32_t>& frames) {
    return list(BalloonQueue::Inflate, frames);
  }
  std::optional<std::uint32_t> deflate(const std::vector<std::uint32_t>& frames) {
    return list(BalloonQueue::Deflate, frames);
  }
  std::optional<std::uint32_t> list(BalloonQueue queue, const std::vector<std::uint32_t>& frames) {
    const auto length = static_cast<std::uint32_t>(frames.size() * sizeof(std::uint32_t));
    put(kRoom, frames.data(), length);
    return driver->exchange(number(queue), {detail::QueueBuffer{kRoom, length, false}});
  }
  void put(GuestPhys address, const void* from, std::size_t length) {
    FALLOW_CHECK(map.guest().write(address, {static_cast<const std::byte*>(from), length}));
  }

  // ---- Configuration. ----

  std::uint32_t config(std::uint32_t offset) {
    std::byte bytes[4];
    device_->read_config(offset, bytes);
    std::uint32_t value;
    std::memcpy(&value, bytes, 4);
    return detail::little_endian(value);
  }
  void set_config(std::uint32_t offset, std::uint32_t value) {
    value = detail::little_endian(value);
    device_->write_config(offset, std::as_bytes(std::span(&value, 1)));
  }

  // Whether each frame of the backing is in the state that `discarded` implies: initial pattern, or all zero.
  bool untouched_but(std::initializer_list<RecordingBacking::Run> discarded) {
    std::vector<bool> zero(kFrames);
    for (const auto& run : discarded) {
      for (std::uint64_t i = 0; i < run.count.raw; ++i) zero[(run.first - kFirst).raw + i] = true;
    }
    for (std::uint64_t i = 0; i < kFrames << kFrameShift; ++i) {
      if (ram_[i] != (zero[i >> kFrameShift] ? std::byte{0} : std::byte{kFill})) return false;
    }
    return true;
  }

 private:
  static constexpr std::uint8_t kFill = 0x5a;
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{4096}); }
  };
  using Bytes = std::unique_ptr<std::byte[], Delete>;
  static Bytes bytes_of(std::uint64_t frames) {
    return Bytes(new (std::align_val_t{4096}) std::byte[frames << kFrameShift]{});
  }

  Bytes ram_, ring_ram_, metadata_;

 public:
  RecordingBacking backing, rings_backing;
  MemoryMap map;
  CountingNotifier notifier;
  std::unique_ptr<MockDriver> driver;

 private:
  std::vector<RigRegion> regions_;
  BalloonDevice* device_ = nullptr;
};

// Whole frames, as an element of a report.
inline detail::QueueBuffer pages(std::uint64_t first, std::uint64_t count = 1) {
  return {address_of(Pfn{first}), static_cast<std::uint32_t>(count << kFrameShift), true};
}
// Bytes, as an element of a report.
inline detail::QueueBuffer span_of(std::uint64_t start, std::uint64_t length) {
  return {{start}, static_cast<std::uint32_t>(length), true};
}

}  // namespace fallow
