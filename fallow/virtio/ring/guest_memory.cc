#include "fallow/virtio/ring/guest_memory.h"

#include <atomic>

namespace fallow {
namespace {

// The guest may write its side of a copy concurrently, so each access of guest memory is atomic. The guest
// cannot rely on an order, hence relaxed.
using Word = std::uint64_t;

template <class T>
T load(const std::byte* from) noexcept {
  auto* const cell = reinterpret_cast<T*>(const_cast<std::byte*>(from));
  return std::atomic_ref<T>(*cell).load(std::memory_order_relaxed);
}

template <class T>
void store(std::byte* into, T value) noexcept {
  std::atomic_ref<T>(*reinterpret_cast<T*>(into)).store(value, std::memory_order_relaxed);
}

bool word_at(const std::byte* shared, std::size_t left) noexcept {
  return left >= sizeof(Word) && reinterpret_cast<std::uintptr_t>(shared) % sizeof(Word) == 0;
}

void copy_out(const std::byte* shared, std::byte* into, std::size_t length) noexcept {
  for (std::size_t at = 0; at < length;) {
    if (word_at(shared + at, length - at)) {
      const Word word = load<Word>(shared + at);
      __builtin_memcpy(into + at, &word, sizeof word);
      at += sizeof word;
    } else {
      into[at] = std::byte{load<std::uint8_t>(shared + at)};
      ++at;
    }
  }
}

void copy_in(const std::byte* from, std::byte* shared, std::size_t length) noexcept {
  for (std::size_t at = 0; at < length;) {
    if (word_at(shared + at, length - at)) {
      Word word;
      __builtin_memcpy(&word, from + at, sizeof word);
      store<Word>(shared + at, word);
      at += sizeof word;
    } else {
      store<std::uint8_t>(shared + at, std::to_integer<std::uint8_t>(from[at]));
      ++at;
    }
  }
}

bool fits(const GuestRegion& region) noexcept {
  return region.host != nullptr && region.size.raw != 0 && region.size.raw <= ~region.base.raw;
}

}  // namespace

Status GuestMemory::assign(std::span<const GuestRegion> regions) noexcept {
  if (regions.size() > kMaxRegions) return Status::InvalidArgument;
  GuestRegion sorted[kMaxRegions];
  std::size_t count = 0;
  for (const GuestRegion& region : regions) {
    if (!fits(region)) return Status::InvalidArgument;
    std::size_t place = count++;
    for (; place > 0 && sorted[place - 1].base > region.base; --place) sorted[place] = sorted[place - 1];
    sorted[place] = region;
  }
  for (std::size_t i = 1; i < count; ++i) {
    if (sorted[i - 1].base + sorted[i - 1].size > sorted[i].base) return Status::InvalidArgument;
  }
  for (std::size_t i = 0; i < count; ++i) regions_[i] = sorted[i];
  count_ = count;
  return Status::Ok;
}

const GuestRegion* GuestMemory::find(GuestPhys address) const noexcept {
  std::size_t low = 0,
              // regions before `low` start at or below the address; regions from `high` start above
      high = count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (regions_[middle].base <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return nullptr;
  const GuestRegion& region = regions_[low - 1];
  return address - region.base < region.size ? &region : nullptr;
}

std::byte* GuestMemory::translate(GuestPhys address, ByteCount length) const noexcept {
  const GuestRegion* const region = find(address);
  if (region == nullptr) return nullptr;
  const ByteCount offset = address - region->base;
  return length <= region->size - offset ? region->host + offset.raw : nullptr;
}

ByteCount GuestMemory::present(GuestPhys address, ByteCount length) const noexcept {
  const GuestRegion* region = find(address);
  if (region == nullptr) return {};
  ByteCount found = region->size - (address - region->base);
  for (; found < length && region + 1 != regions_ + count_; ++region) {
    if (region->base + region->size != region[1].base) break;
    found = found + region[1].size;
  }
  return found < length ? found : length;
}

bool GuestMemory::read(GuestPhys address, std::span<std::byte> into) const noexcept {
  if (present(address, {into.size()}).raw != into.size()) return false;
  const GuestRegion* region = find(address);
  while (!into.empty()) {
    const ByteCount offset = address - region->base;
    const std::uint64_t left = (region->size - offset).raw;
    const std::size_t piece = left < into.size() ? static_cast<std::size_t>(left) : into.size();
    copy_out(region->host + offset.raw, into.data(), piece);
    into = into.subspan(piece);
    address = address + ByteCount{piece};
    ++region;
  }
  return true;
}

bool GuestMemory::write(GuestPhys address, std::span<const std::byte> from) const noexcept {
  if (present(address, {from.size()}).raw != from.size()) return false;
  const GuestRegion* region = find(address);
  while (!from.empty()) {
    const ByteCount offset = address - region->base;
    const std::uint64_t left = (region->size - offset).raw;
    const std::size_t piece = left < from.size() ? static_cast<std::size_t>(left) : from.size();
    copy_in(from.data(), region->host + offset.raw, piece);
    from = from.subspan(piece);
    address = address + ByteCount{piece};
    ++region;
  }
  return true;
}

}  // namespace fallow
