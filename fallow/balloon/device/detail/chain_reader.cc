#include "fallow/balloon/device/detail/chain_reader.h"

namespace fallow::detail {

ChainReader::ChainReader(const GuestMemory& memory, std::span<const QueueBuffer> buffers) noexcept
    : memory_(memory) {
  std::size_t readable = 0;
  while (readable < buffers.size() && !buffers[readable].device_writable) ++readable;
  left_ = buffers.first(readable);
  writable_ = buffers.size() - readable;
}

bool ChainReader::more() noexcept {
  while (!left_.empty() && at_ == left_.front().length) {
    left_ = left_.subspan(1);
    at_ = 0;
  }
  return !left_.empty();
}

std::size_t ChainReader::read(std::span<std::byte> into) noexcept {
  std::size_t done = 0;
  while (done < into.size() && more()) {
    const QueueBuffer& buffer = left_.front();
    const std::size_t rest = buffer.length - at_, room = into.size() - done;
    const std::size_t wanted = rest < room ? rest : room;
    // A wrapped sum is a different address, but the part in memory ends before the sum can wrap.
    const GuestPhys from = buffer.address + ByteCount{at_};
    const bool wraps = from < buffer.address;
    const std::uint64_t there = wraps ? 0 : memory_.present(from, {wanted}).raw;
    if (there != 0 && !memory_.read(from, into.subspan(done, there))) return done;
    done += there;
    at_ += static_cast<std::uint32_t>(there);
    if (there != wanted) {
      outside_ = true;
      left_ = {};
    }
  }
  return done;
}

}  // namespace fallow::detail
