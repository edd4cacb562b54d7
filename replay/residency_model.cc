#include "replay/residency_model.h"

#include <bit>
#include <utility>

namespace fallow::replay {
namespace {

constexpr std::uint64_t kBits = 64;

std::uint64_t words(PfnCount frames) { return (frames.raw + kBits - 1) / kBits; }

// Calls f(word, bits) for each word that holds bits of the frames.
template <class F>
void for_each_word(Pfn first, PfnCount n, F f) {
  std::uint64_t at = first.raw, left = n.raw;
  while (left > 0) {
    const std::uint64_t bit = at % kBits, count = std::min(kBits - bit, left);
    f(at / kBits, (~std::uint64_t{0} >> (kBits - count)) << bit);
    at += count;
    left -= count;
  }
}

std::uint64_t count(std::uint64_t bits) { return static_cast<std::uint64_t>(std::popcount(bits)); }

}  // namespace

ResidencyModel::ResidencyModel(PfnCount size)
    : resident_(zeroed_array<std::uint64_t>(words(size))),
      given_back_(zeroed_array<std::uint64_t>(words(size))) {}

std::unique_ptr<ResidencyModel> ResidencyModel::create(PfnCount size) {
  std::unique_ptr<ResidencyModel> residency(new ResidencyModel(size));
  return residency->resident_ && residency->given_back_ ? std::move(residency) : nullptr;
}

PfnCount ResidencyModel::touch(Pfn first, PfnCount n) noexcept {
  PfnCount fresh;
  for_each_word(first, n, [&](std::uint64_t w, std::uint64_t bits) {
    const Word resident(resident_[w]), given_back(given_back_[w]);
    if ((resident.load(std::memory_order_relaxed) & bits) == bits) return;
    const std::uint64_t added = bits & ~resident.fetch_or(bits, std::memory_order_relaxed);
    fresh.raw += count(added);
    if ((given_back.load(std::memory_order_relaxed) & added) == 0) return;
    const std::uint64_t again = added & given_back.fetch_and(~added, std::memory_order_relaxed);
    refaulted_count_.fetch_add(count(again), std::memory_order_relaxed);
  });
  if (fresh.raw != 0) resident_count_.fetch_add(fresh.raw, std::memory_order_relaxed);
  return fresh;
}

void ResidencyModel::report(Pfn first, PfnCount n) noexcept {
  std::uint64_t gone = 0;
  for_each_word(first, n, [&](std::uint64_t w, std::uint64_t bits) {
    const Word resident(resident_[w]), given_back(given_back_[w]);
    const std::uint64_t removed = bits & resident.fetch_and(~bits, std::memory_order_relaxed);
    if (removed != 0) given_back.fetch_or(removed, std::memory_order_relaxed);
    gone += count(removed);
  });
  resident_count_.fetch_sub(gone, std::memory_order_relaxed);
  given_back_count_.fetch_add(gone, std::memory_order_relaxed);
}

}  // namespace fallow::replay
