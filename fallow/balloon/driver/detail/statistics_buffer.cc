#include "fallow/balloon/driver/detail/statistics_buffer.h"

#include <cstddef>
#include <initializer_list>
#include <utility>

#include "fallow/zone/zone_stats.h"

namespace fallow::detail {

Status StatisticsBuffer::supply() noexcept {
  const QueueBuffer buffer{buffer_.address, fill(), false};
  return ring_.add({&buffer, 1}, 0);
}

void StatisticsBuffer::open() noexcept {
  if (ring_.take_kick()) ring_.kick();
}

Nanoseconds StatisticsBuffer::work() noexcept {
  if (!ring_.up()) return kNever;
  const Nanoseconds now = context_.port().now();
  if (now >= window_ + kWindow) {
    window_ = now;
    requests_ = 0;
  }
  if (requests_ == kRequests) return window_ + kWindow;
  Used used;
  if (ring_.take(used) != Taken::Used) return kNever;
  ++requests_;
  if (supply() == Status::Ok) open();
  return now;
}

// 5.5.6.3.1: always the same tags, namely those whose values a zone knows. The 30 bytes are also a multiple
// of 6, which that clause asks for.
std::uint32_t StatisticsBuffer::fill() noexcept {
  const ZoneStats stats = zone_stats(zone_);
  const PfnCount low = zone_.low_watermark();
  const PfnCount available{stats.free > low ? (stats.free - low).raw : 0};
  std::uint32_t at = 0;
  for (const auto& [tag, frames] : {std::pair{StatTag::MemoryFree, stats.free},
                                    {StatTag::MemoryTotal, stats.size},
                                    {StatTag::MemoryAvailable, available}}) {
    put(at, tag, bytes(frames).raw);
    at += kStatSize;
  }
  return at;
}

// Writes a packed entry (le16 tag, le64 value) byte by byte.
void StatisticsBuffer::put(std::uint32_t at, StatTag tag, std::uint64_t value) noexcept {
  std::byte* const entry = buffer_.memory + at;
  for (unsigned i = 0; i < 2; ++i) entry[i] = static_cast<std::byte>(static_cast<unsigned>(tag) >> 8 * i);
  for (unsigned i = 0; i < 8; ++i) entry[2 + i] = static_cast<std::byte>(value >> 8 * i);
}

}  // namespace fallow::detail
