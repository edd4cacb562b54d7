// A balloon driver and its device behind the C interface, in one program and on one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/support/balloon_pair.h"
#include "tests/support/c_rig.h"

namespace fallow {

// The host: 64 MiB of guest memory and what is behind it.
class CHostSide {
 public:
  static constexpr std::uint64_t kFrames = 16384, kShared = 512;

  CHostSide() : memory_(bytes(PfnCount{kFrames + kShared})) {
    backing = {
        .context = this,
        .discard = [](void* self, std::uint64_t first,
                      std::uint64_t count) { return static_cast<CHostSide*>(self)->discard(first, count); },
        .populate = nullptr,
        .content_after = FALLOW_CONTENT_IS_ZERO,
        .page_frames = 0};
    region = {.guest_address = 0,
              .size = (kFrames + kShared) * FALLOW_FRAME_SIZE,
              .host = memory_.get(),
              .backing = &backing,
              .first = 0};
    config = {
        .regions = &region,
        .region_count = 1,
        .max_queue_size = 0,
        .features = 0,
        .context = this,
        .queue_used = [](void* self, std::uint32_t queue) { static_cast<CHostSide*>(self)->tell(queue); },
        .config_changed = [](void* self) { static_cast<CHostSide*>(self)->tell(kConfig); },
        .notice = nullptr,
        .statistics = [](void* self) { ++static_cast<CHostSide*>(self)->statistics; },
        .hinted = [](void* self, std::uint64_t,
                     std::uint64_t size) { static_cast<CHostSide*>(self)->hinted += size; },
        .actual_changed = [](void* self) { ++static_cast<CHostSide*>(self)->actual_changes; }};
  }

  void create() {
    const std::uint64_t size = fallow_balloon_device_size(&config);
    ASSERT_GT(size, 0U);
    storage_ = std::make_unique<CMemory>(size);
    ASSERT_EQ(fallow_balloon_device_create(&config, storage_->get(), size, &device), FALLOW_OK);
  }

  std::byte* memory() { return memory_.get(); }

  // The functions of a transport that leads to this device.
  fallow_transport transport() {
    return {
        .context = this,
        .offered = [](void* self) { return fallow_balloon_device_offered(dev(self)); },
        .accept = [](void* self,
                     std::uint64_t f) { EXPECT_EQ(fallow_balloon_device_accept(dev(self), f), 0U); },
        .status = [](void* self) { return fallow_balloon_device_status(dev(self)); },
        .set_status = [](void* self,
                         std::uint8_t s) { EXPECT_EQ(fallow_balloon_device_set_status(dev(self), s), 0U); },
        .config_generation = [](void* self) { return fallow_balloon_device_config_generation(dev(self)); },
        .read_config =
            [](void* self, std::uint32_t at, void* into, std::uint32_t n) {
              EXPECT_EQ(fallow_balloon_device_read_config(dev(self), at, into, n), FALLOW_OK);
            },
        .write_config =
            [](void* self, std::uint32_t at, const void* from, std::uint32_t n) {
              EXPECT_EQ(fallow_balloon_device_write_config(dev(self), at, from, n), FALLOW_OK);
            },
        .max_queue_size =
            [](void* self, std::uint32_t queue) {
              return fallow_balloon_device_max_queue_size(dev(self), queue);
            },
        .start_queue =
            [](void* self, std::uint32_t queue, const fallow_queue_addresses* at) {
              return fallow_balloon_device_start_queue(dev(self), queue, at);
            },
        .reset_queue = [](void* self,
                          std::uint32_t queue) { return fallow_balloon_device_stop_queue(dev(self), queue); },
        .notify = [](void* self, std::uint32_t queue) { static_cast<CHostSide*>(self)->notify(queue); }};
  }

  fallow_balloon_device_stats stats() {
    fallow_balloon_device_stats stats;
    EXPECT_EQ(fallow_balloon_device_get_stats(device, &stats), FALLOW_OK);
    return stats;
  }

  // Notifications for the driver are kept until pass_on().
  void pass_on(fallow_balloon_driver* driver) {
    while (news_ != 0) {
      const std::uint64_t news = news_;
      news_ = 0;
      for (std::uint32_t queue = 0; queue < kConfig; ++queue) {
        if ((news >> queue & 1) != 0) {
          EXPECT_EQ(fallow_balloon_driver_queue_used(driver, queue), FALLOW_OK);
        }
      }
      if ((news >> kConfig & 1) != 0) {
        EXPECT_EQ(fallow_balloon_driver_config_changed(driver), FALLOW_OK);
      }
    }
  }

  fallow_backing backing;
  fallow_mapped_region region;
  fallow_balloon_device_config config;
  fallow_balloon_device* device = nullptr;
  bool deaf = false;  // leaves the driver's notifications alone
  std::uint64_t discarded = 0, hinted = 0;
  int statistics = 0, actual_changes = 0;

 private:
  static constexpr std::uint32_t kConfig = 32;
  static fallow_balloon_device* dev(void* self) { return static_cast<CHostSide*>(self)->device; }

  fallow_status discard(std::uint64_t first, std::uint64_t count) {
    EXPECT_LE(first + count, kFrames);
    std::memset(memory_.get() + first * kFrameSize, 0, count * kFrameSize);
    discarded += count;
    return FALLOW_OK;
  }
  void tell(std::uint32_t news) { news_ |= std::uint64_t{1} << news; }
  void notify(std::uint32_t queue) {
    while (!deaf && fallow_balloon_device_process(device, queue, 16) != 0) {
    }
  }

  PageBox memory_;
  std::unique_ptr<CMemory> storage_;
  std::uint64_t news_ = 0;
};

// The guest: a zone over the memory, and the driver.
class CBalloon {
 public:
  CBalloon() : rig(CHostSide::kFrames, 1, 2) {
    host.create();
    config = {.reporter = rig.reporter(),
              .zone = rig.zone(),
              .cache = rig.cache(1),
              .transport = host.transport(),
              .shared = host.memory() + CHostSide::kFrames * FALLOW_FRAME_SIZE,
              .shared_address = CHostSide::kFrames * FALLOW_FRAME_SIZE,
              .shared_size = CHostSide::kShared * FALLOW_FRAME_SIZE,
              .features = 0,
              .queue_size = 0,
              .capacity = 0,
              .in_flight = 0,
              .poisons = 0,
              .poison = 0,
              .fill = nullptr,
              .fill_context = nullptr};
  }
  ~CBalloon() {
    if (driver != nullptr) {
      EXPECT_EQ(fallow_balloon_driver_destroy(driver), FALLOW_OK);
      EXPECT_EQ(fallow_balloon_driver_destroy(driver), FALLOW_INVALID_ARGUMENT);
    }
    EXPECT_EQ(fallow_cache_drain(rig.cache(0)), FALLOW_OK);
    EXPECT_EQ(rig.stats().free, CHostSide::kFrames) << "every frame is back";
    EXPECT_EQ(fallow_balloon_device_destroy(host.device), FALLOW_OK);
    EXPECT_EQ(fallow_balloon_device_destroy(host.device), FALLOW_INVALID_ARGUMENT);
  }

  void create() {
    const std::uint64_t size = fallow_balloon_driver_size(&config);
    ASSERT_GT(size, 0U);
    storage_ = std::make_unique<CMemory>(size);
    ASSERT_EQ(fallow_balloon_driver_create(&config, storage_->get(), size, &driver), FALLOW_OK);
    rig.port.on_relax({[](void* self) { static_cast<CBalloon*>(self)->deliver(); }, this});
  }
  void probe() {
    create();
    ASSERT_EQ(fallow_balloon_driver_probe(driver), FALLOW_OK);
  }

  // The work of a kernel's worker.
  Nanoseconds run() {
    deliver();
    const std::uint64_t reporter = fallow_reporter_run(rig.reporter()),
                        balloon = fallow_balloon_driver_work(driver);
    deliver();
    EXPECT_EQ(fallow_reporter_next_deadline(rig.reporter()), reporter);
    const std::uint64_t next = fallow_balloon_driver_next_deadline(driver);
    EXPECT_LE(next, balloon);
    return {reporter < next ? reporter : next};
  }
  void pass_time(Nanoseconds time) {
    deliver();
    rig.port.run_until(rig.port.now() + time, worker_of(*this));
  }
  void deliver() { host.pass_on(driver); }

  fallow_balloon_driver_stats stats() {
    fallow_balloon_driver_stats stats;
    EXPECT_EQ(fallow_balloon_driver_get_stats(driver, &stats), FALLOW_OK);
    return stats;
  }

  CRig rig;
  CHostSide host;
  fallow_balloon_driver_config config;
  fallow_balloon_driver* driver = nullptr;

 private:
  std::unique_ptr<CMemory> storage_;
};

}  // namespace fallow
