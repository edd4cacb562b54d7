// The memory layout of the split virtqueue (virtio 1.2, 2.7).
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/base/detail/little_endian.h"
#include "fallow/base/units.h"

namespace fallow::detail {

inline constexpr std::uint32_t kMaxQueueSize = 32768;  // 2.7, 2.8

// Flags of a descriptor, in both formats (2.7.5, 2.8.4).
inline constexpr std::uint16_t kDescNext = 1, kDescWrite = 2, kDescIndirect = 4;

// 2.7.5
struct VirtqDesc {
  Le64 addr;
  Le32 len;
  Le16 flags;
  Le16 next;
};
static_assert(sizeof(VirtqDesc) == 16 && offsetof(VirtqDesc, len) == 8 && offsetof(VirtqDesc, flags) == 12 &&
              offsetof(VirtqDesc, next) == 14);

// 2.7.8
struct VirtqUsedElem {
  Le32 id;
  Le32 len;
};
static_assert(sizeof(VirtqUsedElem) == 8 && offsetof(VirtqUsedElem, len) == 4);

inline constexpr std::uint16_t kAvailNoInterrupt = 1;  // 2.7.6: flags of the available ring
inline constexpr std::uint16_t kUsedNoNotify = 1;      // 2.7.8: flags of the used ring

// 2.7.6: flags, idx, ring[size], used_event.
class AvailRing {
 public:
  static constexpr ByteCount bytes(std::uint32_t size) noexcept { return {6 + std::uint64_t{2} * size}; }
  static constexpr std::uint64_t kAlignment = 2;

  AvailRing() = default;
  AvailRing(std::byte* memory, std::uint32_t size) noexcept
      : cells_(reinterpret_cast<Le16*>(memory)), size_(size) {}
  Le16& flags() const noexcept { return cells_[0]; }
  Le16& idx() const noexcept { return cells_[1]; }
  Le16& ring(std::uint32_t i) const noexcept { return cells_[2 + i]; }
  Le16& used_event() const noexcept { return cells_[2 + size_]; }

 private:
  Le16* cells_ = nullptr;
  std::uint32_t size_ = 0;
};

// 2.7.8: flags, idx, ring[size], avail_event.
class UsedRing {
 public:
  static constexpr ByteCount bytes(std::uint32_t size) noexcept { return {6 + std::uint64_t{8} * size}; }
  static constexpr std::uint64_t kAlignment = 4;

  UsedRing() = default;
  UsedRing(std::byte* memory, std::uint32_t size) noexcept : memory_(memory), size_(size) {}
  Le16& flags() const noexcept { return at<Le16>(0); }
  Le16& idx() const noexcept { return at<Le16>(2); }
  VirtqUsedElem& ring(std::uint32_t i) const noexcept { return at<VirtqUsedElem>(4 + std::size_t{8} * i); }
  Le16& avail_event() const noexcept { return at<Le16>(4 + std::size_t{8} * size_); }

 private:
  template <class T>
  T& at(std::size_t offset) const noexcept {
    return *reinterpret_cast<T*>(memory_ + offset);
  }
  std::byte* memory_ = nullptr;
  std::uint32_t size_ = 0;
};

// 2.7.7.2, 2.7.10: returns whether the other end, which asked for a notification when the index passes
// `event`, wants a notification of the step from `before` to `now`. All three values wrap.
constexpr bool event_passed(std::uint16_t event, std::uint16_t now, std::uint16_t before) noexcept {
  return static_cast<std::uint16_t>(now - event - 1) < static_cast<std::uint16_t>(now - before);
}

}  // namespace fallow::detail
