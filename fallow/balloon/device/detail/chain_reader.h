// The readable bytes of a chain as one stream; element boundaries carry no meaning (virtio 1.2, 2.7.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/detail/little_endian.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow::detail {

class ChainReader {
 public:
  // `buffers` has the readable elements first.
  ChainReader(const GuestMemory& memory, std::span<const QueueBuffer> buffers) noexcept;

  // Copies the next bytes and returns their number. A short count means the end of the stream, or outside().
  std::size_t read(std::span<std::byte> into) noexcept;

  // Returns whether bytes are left to read.
  bool more() noexcept;

  // Returns whether the stream ended early at bytes that are not in guest memory.
  bool outside() const noexcept { return outside_; }

  // Returns the number of writable elements, which are not part of the stream.
  std::size_t writable() const noexcept { return writable_; }

 private:
  const GuestMemory& memory_;
  std::span<const QueueBuffer> left_;  // readable elements; the first is partly read
  std::uint32_t at_ = 0;               // bytes read of the first element
  std::size_t writable_;
  bool outside_ = false;
};

// Decodes a little-endian integer at the front of copied bytes.
template <class T>
T decode(const std::byte* from) noexcept {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return little_endian(value);
}

}  // namespace fallow::detail
