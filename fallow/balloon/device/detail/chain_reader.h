// The readable bytes of a chain as one stream: where one element ends and the next begins means nothing
// (virtio 1.2, 2.7.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/little_endian.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow::detail {

class ChainReader {
 public:
  // `buffers`: readable elements first.
  ChainReader(const GuestMemory& memory, std::span<const QueueBuffer> buffers) noexcept;

  // Copies the next bytes. Fewer than asked for: there are no more, or outside().
  std::size_t read(std::span<std::byte> into) noexcept;

  // Whether there is something left to read.
  bool more() noexcept;

  // Whether the stream ended early, at bytes that are not in memory.
  bool outside() const noexcept { return outside_; }

  // How many elements are writable, and hence no part of the stream.
  std::size_t writable() const noexcept { return writable_; }

 private:
  const GuestMemory& memory_;
  std::span<const QueueBuffer> left_;  // readable elements, the first in part
  std::uint32_t at_ = 0;               // how much of the first was read
  std::size_t writable_;
  bool outside_ = false;
};

// A little-endian integer at the front of bytes that were copied.
template <class T>
T decode(const std::byte* from) noexcept {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return little_endian(value);
}

}  // namespace fallow::detail
