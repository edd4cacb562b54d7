// What a driver's end checks of a chain before it is added, and keeps of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "fallow/virtio/ring/detail/queue_buffer.h"

namespace fallow::detail {

// 2.7.4.2, 2.8.17: no readable element after a writable one.
constexpr bool writable_last(std::span<const QueueBuffer> buffers) noexcept {
  for (std::size_t i = 1; i < buffers.size(); ++i) {
    if (buffers[i - 1].device_writable && !buffers[i].device_writable) return false;
  }
  return true;
}

// How many bytes the device may write; saturated.
constexpr std::uint32_t writable_bytes(std::span<const QueueBuffer> buffers) noexcept {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t sum = 0;
  for (const QueueBuffer& buffer : buffers) sum += buffer.device_writable ? buffer.length : 0;
  return static_cast<std::uint32_t>(sum < kMost ? sum : kMost);
}

}  // namespace fallow::detail
