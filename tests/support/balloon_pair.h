// A guest's zone and reporter, its balloon driver, and its host's device, on one thread in virtual time.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/driver/balloon_driver.h"
#include "fallow/reporting/policies.h"
#include "fallow/virtio/transport/in_process_transport.h"
#include "tests/support/meddling_transport.h"
#include "tests/support/recording_backing.h"
#include "tests/support/rig.h"

namespace fallow {

// Zero-filled memory of whole pages.
class PageBox {
 public:
  explicit PageBox(ByteCount size)
      : size_((size.raw + kFrameSize - 1) / kFrameSize * kFrameSize),
        memory_(static_cast<std::byte*>(std::calloc(1, size_ + kFrameSize))) {
    const auto at = reinterpret_cast<std::uintptr_t>(memory_);
    pages_ = memory_ + (kFrameSize - at % kFrameSize) % kFrameSize;
  }
  ~PageBox() { std::free(memory_); }
  PageBox(const PageBox&) = delete;
  PageBox& operator=(const PageBox&) = delete;

  std::byte* get() { return pages_; }
  std::span<std::byte> bytes() { return {pages_, size_}; }

 private:
  std::uint64_t size_;
  std::byte* memory_;
  std::byte* pages_ = nullptr;
};

// The zone has frames 0 to `frames`; the memory that driver and device share follows it.
class BalloonPair {
 public:
  struct Config {
    PfnCount frames = mebibytes(64);
    BalloonDriverConfig driver = {};
    BalloonDeviceConfig device = {};
    Doorbell to_device = {}, to_driver = {};
    // Returns a transport to place between the driver and its device.
    std::function<Transport&(Port&, Transport& device)> between = {};
  };

  BalloonPair() : BalloonPair(Config{}) {}
  explicit BalloonPair(const Config& config)
      : rig(config.frames, 1, 2),
        frames_(config.frames),
        memory_(bytes(config.frames) + shared_bytes(config)),
        own_(BalloonDriver::own_size(config.driver, rig.zone()).raw / 8 + 1),
        backing(memory_.get(), Pfn{0}, config.frames + whole_frames(shared_bytes(config))),
        transport(rig.port, config.to_device, config.to_driver),
        meddler(config.between ? config.between(rig.port, transport) : transport),
        driver(rig.port, meddler, rig.zone(), rig.box().cache(1), config.driver,
               {memory_.get() + bytes(config.frames).raw, {bytes(config.frames).raw}, shared_bytes(config)},
               std::as_writable_bytes(std::span(own_))) {
    const MappedRegion region{{{0}, bytes(backing.frames()), memory_.get()}, &backing, Pfn{0}};
    EXPECT_EQ(map.assign({&region, 1}), Status::Ok);
    device_memory_ = std::make_unique<PageBox>(BalloonDevice::metadata_size(config.device, map));
    const Result<BalloonDevice*> made =
        BalloonDevice::create(config.device, map, transport, nullptr, device_memory_->bytes());
    FALLOW_CHECK(made.ok());
    device_ = made.value();
    transport.attach(*device_);
    driver.set_completion({[](void* self, std::uint32_t token, Status status) noexcept {
                             auto& pair = *static_cast<BalloonPair*>(self);
                             if (pair.record_completions) pair.completions.emplace_back(token, status);
                             if (!pair.registered_) return;
                             EXPECT_EQ(pair.rig.reporter().complete(token, status), Status::Ok);
                           },
                           this});
  }
  ~BalloonPair() {
    driver.remove();  // first, because a failed test may have left a request in flight
    unregister();
  }

  BalloonDevice& device() { return *device_; }
  std::byte* host(GuestPhys address) { return memory_.get() + address.raw; }

  // Runs the worker of the port.
  Nanoseconds run() {
    if (++rounds_ > kRounds) {
      ADD_FAILURE() << "a busy loop";
      return kNever;
    }
    const Nanoseconds reporter = rig.reporter().run(), balloon = driver.work();
    return reporter < balloon ? reporter : balloon;
  }
  void pass_time(Nanoseconds time) {
    rounds_ = 0;
    rig.port.run_until(rig.port.now() + time, worker_of(*this));
  }
  void run_due() { pass_time({}); }

  void set_target(PfnCount frames) {
    transport.with_device([&] { device_->set_target(frames); });
  }

  void register_driver(Policy& policy) {
    registered_ = true;
    ASSERT_EQ(rig.reporter().register_device(driver, policy), Status::Ok);
  }
  void unregister() {
    if (!registered_) return;
    EXPECT_EQ(rig.reporter().unregister_device(driver), Status::Ok);
    registered_ = false;
  }

  // Releases everything, and checks that nothing was lost.
  void expect_whole() {
    unregister();
    driver.remove();
    EXPECT_EQ(driver.stats().inflated.raw, 0u);
    rig.box().expect_whole(frames_.raw);
  }

  Rig rig;

 private:
  static constexpr std::uint64_t kRounds = 200000;
  static ByteCount shared_bytes(const Config& config) {
    return {(BalloonDriver::shared_size(config.driver).raw + kFrameSize - 1) / kFrameSize * kFrameSize};
  }
  PfnCount frames_;
  PageBox memory_;
  std::vector<std::uint64_t> own_;

 public:
  MemoryMap map;
  RecordingBacking backing;
  InProcessTransport transport;
  MeddlingTransport meddler;
  BalloonDriver driver;
  bool record_completions = true;  // not with several threads
  std::vector<std::pair<std::uint32_t, Status>> completions;

 private:
  std::unique_ptr<PageBox> device_memory_;
  BalloonDevice* device_ = nullptr;
  std::atomic<bool> registered_{false};
  std::uint64_t rounds_ = 0;
};

}  // namespace fallow
