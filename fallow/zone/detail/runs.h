// Aligned runs of frames within a word and within a block.
#pragma once

#include <bit>
#include <cstdint>

#include "fallow/zone/detail/block_entry.h"
#include "fallow/zone/detail/frame_word.h"

namespace fallow::detail {

inline constexpr unsigned kWordOrder = 5;

// Returns the first bits of the aligned runs of 2^order (at most 2^5) ones in `bits`.
constexpr std::uint32_t run_heads(std::uint32_t bits, unsigned order) {
  constexpr std::uint32_t kAligned[kWordOrder + 1] = {0xffffffff, 0x55555555, 0x11111111,
                                                      0x01010101, 0x00010001, 0x00000001};
  if (order >= 1) bits &= bits >> 1;
  if (order >= 2) bits &= bits >> 2;
  if (order >= 3) bits &= bits >> 4;
  if (order >= 4) bits &= bits >> 8;
  if (order >= 5) bits &= bits >> 16;
  return bits & kAligned[order];
}

// Returns all bits of the runs of 2^order whose first bits are `heads`.
constexpr std::uint32_t run_bits(std::uint32_t heads, unsigned order) {
  for (unsigned i = 0; i < order; ++i) heads |= heads << (1U << i);
  return heads;
}

// Counts the runs of 2^order, whose first bits are `heads`, that overlap `bits`.
constexpr unsigned runs_with(std::uint32_t heads, std::uint32_t bits, unsigned order) {
  for (unsigned i = 0; i < order; ++i) bits |= bits >> (1U << i);
  return count_ones(heads & bits);
}

// Calls f(first bit, length) for each run of neighbouring ones, lowest first; stops when f returns false.
template <class F>
constexpr void for_each_run(std::uint32_t bits, F f) {
  for (unsigned at = 0; bits != 0;) {
    const unsigned skip = static_cast<unsigned>(std::countr_zero(bits));
    const unsigned length = static_cast<unsigned>(std::countr_one(bits >> skip));
    if (!f(at + skip, length)) return;
    at += skip + length;
    bits = at < kWordFrames ? bits >> skip >> (length - 1) >> 1 : 0;
  }
}

// Returns `length` ones from bit `first` on.
constexpr std::uint32_t ones(unsigned first, unsigned length) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << length) - 1) << first;
}

// One bit for each frame of a block.
struct BlockBits {
  std::uint32_t word[kBlockWords] = {};
};

// Returns the aligned runs of 2^order frames (order 0 to 8) that lie wholly in `bits`.
constexpr BlockBits aligned_runs(const BlockBits& bits, unsigned order) {
  BlockBits out;
  if (order <= kWordOrder) {
    for (unsigned w = 0; w < kBlockWords; ++w) out.word[w] = run_bits(run_heads(bits.word[w], order), order);
    return out;
  }
  const unsigned step = 1U << (order - kWordOrder);
  for (unsigned first = 0; first < kBlockWords; first += step) {
    std::uint32_t all = kWholeWord;
    for (unsigned w = first; w < first + step; ++w) all &= bits.word[w];
    if (all != kWholeWord) continue;
    for (unsigned w = first; w < first + step; ++w) out.word[w] = kWholeWord;
  }
  return out;
}

// Returns the runs that a buddy allocator would list in the free area of `order` (0 to 8).
constexpr BlockBits free_area_runs(const BlockBits& bits, unsigned order) {
  BlockBits out = aligned_runs(bits, order);
  if (order + 1U >= kBlockOrder.raw) return out;
  const BlockBits larger = aligned_runs(bits, order + 1);
  for (unsigned w = 0; w < kBlockWords; ++w) out.word[w] &= ~larger.word[w];
  return out;
}

constexpr bool is_empty(const BlockBits& bits) {
  std::uint32_t any = 0;
  for (const std::uint32_t w : bits.word) any |= w;
  return any == 0;
}

constexpr unsigned count_bits(const BlockBits& bits) {
  unsigned n = 0;
  for (const std::uint32_t w : bits.word) n += count_ones(w);
  return n;
}

}  // namespace fallow::detail
