// Guest memory with both ends of a ring, and raw access to its content that bypasses both ends.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "fallow/virtio/ring/device_queue.h"
#include "fallow/virtio/ring/driver_queue.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow {

// Page-aligned guest memory of whole pages, from `base` on.
class GuestBox {
 public:
  explicit GuestBox(std::size_t size, GuestPhys base = {0x10'0000})
      : base_(base), memory_(new (std::align_val_t{4096}) std::byte[size]{}, Delete{}), size_(size) {
    const GuestRegion region{base_, {size_}, memory_.get()};
    EXPECT_EQ(map_.assign({&region, 1}), Status::Ok);
  }
  GuestMemory& map() { return map_; }
  GuestPhys base() const { return base_; }
  GuestPhys end() const { return base_ + ByteCount{size_}; }
  std::size_t size() const { return size_; }
  std::byte* at(GuestPhys address) { return memory_.get() + (address - base_).raw; }
  template <class T>
  T& as(GuestPhys address) {
    return *reinterpret_cast<T*>(at(address));
  }
  SharedMemory shared() { return {memory_.get(), base_, {size_}}; }

 private:
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{4096}); }
  };
  GuestPhys base_;
  std::unique_ptr<std::byte[], Delete> memory_;
  std::size_t size_;
  GuestMemory map_;
};

constexpr std::size_t whole_pages(ByteCount n) { return (n.raw + 4095) / 4096 * 4096; }

// The two ends of one ring. The driver's shared memory begins at the box's base; `extra` bytes follow it.
template <class Driver, class Device>
class RingBox {
 public:
  explicit RingBox(const DriverQueueConfig& config, std::size_t extra = 4096)
      : config_(config),
        box(whole_pages(Driver::shared_size(config)) + extra),
        own_(Driver::own_size(config).raw / 8 + 1),
        room_(config.size) {
    EXPECT_EQ(driver.start(config, box.shared(), own()), Status::Ok);
    EXPECT_EQ(start_device(), Status::Ok);
  }
  Status start_device() { return start_device(QueuePosition::fresh(config_.ring.packed)); }
  Status start_device(QueuePosition position) {
    return device.start(box.map(), driver.addresses(), config_.ring, position, room_);
  }
  std::span<std::byte> own() { return std::as_writable_bytes(std::span(own_)); }
  GuestPhys extra() const { return box.base() + ByteCount{whole_pages(Driver::shared_size(config_))}; }

 private:
  DriverQueueConfig config_;

 public:
  GuestBox box;
  Driver driver;
  Device device;

 private:
  std::vector<std::uint64_t> own_;
  std::vector<detail::QueueBuffer> room_;
};

inline detail::QueueBuffer readable(std::uint64_t address, std::uint32_t length) {
  return {{address}, length, false};
}
inline detail::QueueBuffer writable(std::uint64_t address, std::uint32_t length) {
  return {{address}, length, true};
}

}  // namespace fallow
