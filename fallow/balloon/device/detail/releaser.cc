#include "fallow/balloon/device/detail/releaser.h"

#include "fallow/base/check.h"

namespace fallow::detail {
namespace {

constexpr std::uint64_t kRest = kFrameSize - 1;

Pfn frame_at_or_after(GuestPhys address) noexcept {
  return {(address.raw >> kFrameShift) + ((address.raw & kRest) != 0)};
}
Pfn frame_of(GuestPhys address) noexcept { return {address.raw >> kFrameShift}; }

// Rounds up to a multiple of `page`, a power of two. A result that does not fit in 64 bits lies beyond any
// end.
Pfn align_up(Pfn p, PfnCount page) noexcept {
  const Pfn down{p.raw & ~(page.raw - 1)};
  return down == p || down.raw > ~page.raw ? p : down + page;
}
Pfn align_down(Pfn p, PfnCount page) noexcept { return {p.raw & ~(page.raw - 1)}; }

}  // namespace

void Releaser::begin(ReleaseTerms terms) noexcept {
  count_ = 0;
  pending_ = {};
  terms_ = terms;
  outcome_ = {};
}

void Releaser::add(GuestRange range) noexcept {
  for_each_region(map_->guest(), range,
                  [this](std::size_t region, GuestRange part) { add_part(region, part); });
}

void Releaser::add_part(std::size_t region, GuestRange part) noexcept {
  const Pfn first = frame_at_or_after(part.start), end = frame_of(part.end);
  const bool cut = ((part.start.raw | part.end.raw) & kRest) != 0;
  if (first >= end) {
    ++outcome_.part_of_page;
    return;
  }
  const Pfn target = map_->target(region, first);
  const PfnCount n = end - first;
  if (pending_.backing != &map_->backing(region) || pending_.end != target) {
    flush();
    // Members are copied one by one, here and below: a copy of the whole would wait until the stores before
    // it reach the cache.
    pending_.backing = &map_->backing(region);
    pending_.first = target;
    pending_.first_piece = count_;
    pending_.cut = false;
  }
  pending_.end = target + n;
  pending_.cut |= cut;
  FALLOW_CHECK(count_ < pieces_.size());
  Piece& piece = pieces_[count_++];
  piece.guest = first;
  piece.target = target;
  piece.count = n;
}

const ReleaseOutcome& Releaser::finish() noexcept {
  flush();
  discard_batch();
  return outcome_;
}

// Adds the pending run to the batch.
void Releaser::flush() noexcept {
  if (pending_.backing == nullptr) return;
  MemoryBacking& backing = *pending_.backing;
  pending_.backing = nullptr;
  const PfnCount page = backing.page();
  const Pfn first = align_up(pending_.first, page), end = align_down(pending_.end, page);
  const bool shorter = first != pending_.first || end != pending_.end;
  outcome_.part_of_page += pending_.cut || shorter;
  const bool zero = backing.content_after() == Content::Zero;
  const bool release = first < end && (zero || !terms_.zero_needed);
  if (!release || (terms_.zero_counts && !zero)) {
    count_ = pending_.first_piece;
  } else if (shorter) {
    keep_within(first, end);
  }
  if (!release) {
    outcome_.unpromised += first < end;
    return;
  }
  if (batch_.backing != &backing || batch_.count == kTogether) discard_batch();
  if (batch_.count == 0) {
    batch_.backing = &backing;
    batch_.first_piece = pending_.first_piece;
  }
  ScatterEntry& run = batch_.runs[batch_.count++];
  run.first = first;
  run.count = end - first;
  batch_.end_piece = count_;
}

// Trims the pieces of the pending run to the backing's frames from `first` up to `end`.
void Releaser::keep_within(Pfn first, Pfn end) noexcept {
  std::size_t kept = pending_.first_piece;
  for (std::size_t i = pending_.first_piece; i < count_; ++i) {
    const Piece piece = pieces_[i];
    const Pfn piece_end = piece.target + piece.count;
    const Pfn from = piece.target < first ? first : piece.target, to = piece_end < end ? piece_end : end;
    if (from < to) pieces_[kept++] = {piece.guest + (from - piece.target), from, to - from};
  }
  count_ = kept;
}

void Releaser::discard_batch() noexcept {
  if (batch_.count == 0) return;
  outcome_.discards += batch_.count;
  batch_.backing->discard_all({batch_.runs, batch_.count}, batch_.answers);
  for (std::size_t i = 0; i < batch_.count; ++i) {
    if (batch_.answers[i] == Status::Ok) {
      outcome_.released += batch_.runs[i].count;
    } else {
      ++outcome_.not_released;
      drop_pieces(batch_.runs[i]);
    }
  }
  batch_.count = 0;
}

// Empties the pieces of one run of the batch.
void Releaser::drop_pieces(const ScatterEntry& run) noexcept {
  for (std::size_t i = batch_.first_piece; i < batch_.end_piece; ++i) {
    if (pieces_[i].target >= run.first && pieces_[i].target - run.first < run.count) pieces_[i].count = {};
  }
}

ByteCount Releaser::covered(GuestPhys address, ByteCount length) const noexcept {
  // pieces before `low` start at or below the address; pieces from `high` start above
  std::size_t low = 0, high = count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (address_of(pieces_[middle].guest) <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return {};
  Pfn end = pieces_[low - 1].guest + pieces_[low - 1].count;
  if (address_of(end) <= address) return {};
  // Ranges have gaps between them, so a range that continues in the next piece continues in the next region.
  for (; low < count_ && pieces_[low].guest == end; ++low) end = end + pieces_[low].count;
  const ByteCount found = address_of(end) - address;
  return found < length ? found : length;
}

}  // namespace fallow::detail
