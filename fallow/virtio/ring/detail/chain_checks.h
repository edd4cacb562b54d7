// Checks of a chain before the driver adds the chain, and the totals that the driver keeps.
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

// Returns the number of bytes that the device may write; saturates.
constexpr std::uint32_t writable_bytes(std::span<const QueueBuffer> buffers) noexcept {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t sum = 0;
  for (const QueueBuffer& buffer : buffers) sum += buffer.device_writable ? buffer.length : 0;
  return static_cast<std::uint32_t>(sum < kMost ? sum : kMost);
}

}  // namespace fallow::detail
