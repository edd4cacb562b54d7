#include "fallow/platform/detail/arena.h"

#include <cstdint>
#include <new>

#include "fallow/base/check.h"

namespace fallow::detail {
namespace {

constexpr const char* kOverlaps =
    "Arena::release(): a part is free already; release an allocation once, with the size of its allocate()";

// Rounds up to whole grains. Returns 0 if the result does not fit.
std::size_t whole_grains(std::uint64_t size) {
  if (size > SIZE_MAX - (Arena::kGrain - 1)) return 0;
  return (static_cast<std::size_t>(size) + Arena::kGrain - 1) & ~(Arena::kGrain - 1);
}

}  // namespace

Arena::Arena(std::span<std::byte> memory) noexcept {
  const std::size_t misplaced = reinterpret_cast<std::uintptr_t>(memory.data()) % kGrain;
  const std::size_t skip = misplaced == 0 ? 0 : kGrain - misplaced;
  if (memory.size() < skip + kGrain) return;
  const std::size_t size = (memory.size() - skip) & ~(kGrain - 1);
  begin_ = memory.data() + skip;
  end_ = begin_ + size;
  holes_ = new (begin_) Hole{size, nullptr};
}

void* Arena::allocate(ByteCount size) noexcept {
  const std::size_t need = whole_grains(size.raw);
  if (need == 0) return nullptr;
  for (Hole** link = &holes_; *link != nullptr; link = &(*link)->next) {
    Hole* const hole = *link;
    if (hole->size < need) continue;
    auto* const piece = reinterpret_cast<std::byte*>(hole);
    *link = hole->size == need ? hole->next : new (piece + need) Hole{hole->size - need, hole->next};
    for (std::size_t i = 0; i < need; ++i) piece[i] = std::byte{0};
    return piece;
  }
  return nullptr;
}

void Arena::release(void* memory, ByteCount size) noexcept {
  auto* const piece = static_cast<std::byte*>(memory);
  const std::size_t length = whole_grains(size.raw);
  FALLOW_REQUIRE(piece >= begin_ && piece < end_ && length != 0,
                 "Arena::release(): the memory is not the arena's; release it where it was allocated");
  FALLOW_REQUIRE(
      static_cast<std::size_t>(piece - begin_) % kGrain == 0,
      "Arena::release(): not the start of an allocation; give back the pointer that allocate() returned");
  FALLOW_REQUIRE(length <= static_cast<std::size_t>(end_ - piece), kOverlaps);

  Hole* before = nullptr;
  Hole* after = holes_;
  for (; after != nullptr && reinterpret_cast<std::byte*>(after) < piece; after = after->next) before = after;
  FALLOW_REQUIRE(before == nullptr || reinterpret_cast<std::byte*>(before) + before->size <= piece,
                 kOverlaps);
  FALLOW_REQUIRE(after == nullptr || piece + length <= reinterpret_cast<std::byte*>(after), kOverlaps);

  Hole* hole = new (piece) Hole{length, after};
  if (after != nullptr && piece + length == reinterpret_cast<std::byte*>(after)) {
    hole->size += after->size;
    hole->next = after->next;
  }
  if (before == nullptr) {
    holes_ = hole;
  } else if (reinterpret_cast<std::byte*>(before) + before->size == piece) {
    before->size += hole->size;
    before->next = hole->next;
  } else {
    before->next = hole;
  }
}

ByteCount Arena::free_bytes() const noexcept {
  ByteCount sum;
  for (const Hole* hole = holes_; hole != nullptr; hole = hole->next) sum = sum + ByteCount{hole->size};
  return sum;
}

}  // namespace fallow::detail
