#include "fallow/zone/zone.h"

#include <new>

#include "fallow/zone/local_cache.h"

namespace fallow {
namespace {

std::uint64_t square_root(std::uint64_t n) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= n) root += bit;
  }
  return root;
}

bool valid(const ZoneConfig& c) {
  constexpr std::uint64_t kMaxPfn = std::uint64_t{1} << 52;     // 64-bit addresses
  constexpr std::uint64_t kMaxFrames = std::uint64_t{1} << 36;  // 256 TiB: word numbers fit 32 bits
  return c.frames.raw > 0 && c.frames.raw < kMaxFrames && c.base.raw < kMaxPfn && c.caches >= 1 &&
         c.caches <= detail::kMaxCaches;
}

// Whether the first `size` bytes, a multiple of 8, are zero.
bool zeroed(std::span<const std::byte> memory, std::size_t size) {
  const auto* const words = reinterpret_cast<const std::uint64_t*>(memory.data());
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < size / sizeof *words; ++i) any |= words[i];
  return any == 0;
}

}  // namespace

ByteCount Zone::metadata_size(const ZoneConfig& config) {
  if (!valid(config)) return {0};
  return {sizeof(Zone) + detail::ZoneTables::storage_size(config).raw};
}

Result<Zone*> Zone::create(Port& port, const ZoneConfig& config, std::span<std::byte> metadata) {
  if (!valid(config) || metadata.size() < metadata_size(config).raw) return Status::InvalidArgument;
  if (reinterpret_cast<std::uintptr_t>(metadata.data()) % alignof(Zone) != 0) return Status::InvalidArgument;
  if (!zeroed(metadata, sizeof(Zone) + config.caches * sizeof(LocalCache))) return Status::InvalidArgument;
  return new (metadata.data()) Zone(port, config, metadata.data() + sizeof(Zone));
}

Zone::Zone(Port& port, const ZoneConfig& config, std::byte* storage) : tables_(port, config, storage) {
  const std::uint64_t n = config.frames.raw, root = 4 * square_root(n);
  low_watermark_ = {n / 64 < root ? n / 64 : root};
}

}  // namespace fallow
