#include "guest/kernel/memory_layout.h"

namespace fallow::guest {
namespace {

constexpr Pfn clipped(std::uint64_t frame) {
  return {frame < MemoryLayout::kEnd.raw ? frame : MemoryLayout::kEnd.raw};
}

constexpr FrameRange between(Pfn first, Pfn end) { return {first, first < end ? end - first : PfnCount{}}; }

// Returns the frames that lie entirely within the range.
constexpr FrameRange frames_inside(const MemoryRange& range) {
  const std::uint64_t up = range.begin / kFrameSize + (range.begin % kFrameSize != 0);
  return between(clipped(up), clipped(range.end / kFrameSize));
}

// Returns the frames that the range overlaps.
constexpr FrameRange frames_touched(const MemoryRange& range) {
  if (range.begin >= range.end) return {};
  return between(clipped(range.begin / kFrameSize), clipped((range.end - 1) / kFrameSize + 1));
}

}  // namespace

MemoryLayout::MemoryLayout(std::span<const MemoryRange> usable, std::span<const MemoryRange> taken) noexcept {
  for (const MemoryRange& range : usable) add(frames_inside(range));
  take_out({Pfn{0}, {1}});
  for (const MemoryRange& range : taken) take_out(frames_touched(range));
}

PfnCount MemoryLayout::total() const noexcept {
  PfnCount sum;
  for (const FrameRange& piece : pieces()) sum += piece.count;
  return sum;
}

void MemoryLayout::insert(std::size_t at, FrameRange piece) noexcept {
  if (count_ == kMostPieces) {
    left_out_ += piece.count;
    return;
  }
  for (std::size_t i = count_++; i > at; --i) pieces_[i] = pieces_[i - 1];
  pieces_[at] = piece;
}

void MemoryLayout::erase(std::size_t at) noexcept {
  --count_;
  for (std::size_t i = at; i < count_; ++i) pieces_[i] = pieces_[i + 1];
}

// Merges the range with the pieces that overlap or adjoin it.
void MemoryLayout::add(FrameRange range) noexcept {
  if (range.count.raw == 0) return;
  std::size_t at = 0;
  while (at < count_ && pieces_[at].end() < range.first) ++at;
  while (at < count_ && pieces_[at].first <= range.end()) {
    const Pfn first = pieces_[at].first < range.first ? pieces_[at].first : range.first;
    const Pfn end = pieces_[at].end() > range.end() ? pieces_[at].end() : range.end();
    range = between(first, end);
    erase(at);
  }
  insert(at, range);
}

void MemoryLayout::take_out(FrameRange range) noexcept {
  if (range.count.raw == 0) return;
  for (std::size_t at = 0; at < count_;) {
    FrameRange& piece = pieces_[at];
    const FrameRange before = between(piece.first, piece.end() < range.first ? piece.end() : range.first);
    const FrameRange after = between(piece.first > range.end() ? piece.first : range.end(), piece.end());
    if (before.count.raw == 0 && after.count.raw == 0) {
      erase(at);
      continue;
    }
    piece = before.count.raw != 0 ? before : after;
    if (before.count.raw != 0 && after.count.raw != 0) insert(++at, after);
    ++at;
  }
}

Pfn MemoryLayout::carve(PfnCount count) noexcept {
  std::size_t largest = 0;
  for (std::size_t i = 1; i < count_; ++i) {
    if (pieces_[i].count > pieces_[largest].count) largest = i;
  }
  if (count_ == 0 || count.raw == 0 || pieces_[largest].count <= count) return {};
  pieces_[largest].count -= count;
  return pieces_[largest].end();
}

void MemoryLayout::drop_last() noexcept {
  if (count_ != 0) left_out_ += pieces_[--count_].count;
}

}  // namespace fallow::guest
