#include "fallow/balloon/driver/detail/balloon_pages.h"

#include <limits>

#include "fallow/balloon/wire.h"
#include "fallow/base/detail/little_endian.h"

namespace fallow::detail {

BalloonPages::BalloonPages(DriverContext& context, GuestFrames& frames, const DriverMemory& memory) noexcept
    : context_(context),
      frames_(frames),
      inflate_(context),
      deflate_(context),
      inflating_{memory.inflating, memory.inflate},
      deflating_{memory.deflating, memory.deflate},
      balloon_(memory.balloon) {}

void BalloonPages::open(bool must_tell) noexcept {
  must_tell_ = must_tell;
  tell_actual();
}

Nanoseconds BalloonPages::work(PfnCount target) noexcept {
  const Nanoseconds now = context_.port().now();
  bool changed = false;
  Nanoseconds next = now;
  for (int i = 0; i < kChunksAtOnce && next == now; ++i) {
    changed = collect() || changed;
    next = kNever;
    if (context_.broken() || waiting()) break;
    if (size_ > target.raw) {
      if (start_deflating({size_ - target.raw})) next = now;
    } else if (size_ < target.raw) {
      if (now >= rest_until_ && !start_inflating({target.raw - size_})) rest(kOutOfPuff);
      next = now < rest_until_ ? rest_until_ : now;
    }
  }
  if (changed) frames_.drain();
  return next;
}

// Collects acknowledgements; returns true if there was at least one.
bool BalloonPages::collect() noexcept {
  const bool in = returned(inflate_, inflating_), out = returned(deflate_, deflating_);
  if (in) inflated();
  if (out) release_deflating();
  if (in || out) tell_actual();
  return in || out;
}

bool BalloonPages::returned(DriverRing& ring, const Chunk& chunk) noexcept {
  Used used;
  return chunk.count != 0 && ring.take(used) == Taken::Used;
}

// Returns false if no frame is available.
bool BalloonPages::start_inflating(PfnCount wanted) noexcept {
  constexpr std::uint64_t kLastPfn = std::numeric_limits<std::uint32_t>::max();
  const std::uint64_t spare = frames_.spare().raw, most = wanted.raw < kChunk ? wanted.raw : kChunk;
  const std::uint64_t n = most < spare ? most : spare;
  while (inflating_.count < n) {
    const Allocation a = frames_.take({});
    if (!a.ok()) break;
    if (a.pfn.raw > kLastPfn) {  // the frame number does not fit in 32 bits
      frames_.give_untouched(a.pfn);
      break;
    }
    inflating_.pfns[inflating_.count++] = static_cast<std::uint32_t>(a.pfn.raw);
  }
  if (inflating_.count == 0) return false;
  if (send(inflate_, inflating_)) return true;
  for (; inflating_.count != 0; --inflating_.count)
    frames_.give_untouched({inflating_.pfns[inflating_.count - 1]});
  return false;
}

// The bitmap holds only acknowledged frames, so no other frame is taken back (5.5.6.1).
bool BalloonPages::start_deflating(PfnCount wanted) noexcept {
  std::uint64_t most = wanted.raw < kChunk ? wanted.raw : kChunk;
  if (most > size_) most = size_;
  std::uint64_t from = cursor_;
  while (deflating_.count < most) {
    std::uint64_t number = balloon_.find(from);
    if (number == FrameBitmap::kNone) number = balloon_.find(0);  // the bitmap holds size_ frames
    deflating_.pfns[deflating_.count++] = static_cast<std::uint32_t>(frames_.base().raw + number);
    from = number + 1;
  }
  if (deflating_.count == 0) return false;
  released_ = false;
  if (!send(deflate_, deflating_)) {
    deflating_.count = 0;
    return false;
  }
  cursor_ = from;
  return true;
}

// The numbers are copied to memory that the device reads; the driver afterwards uses only the private copy.
bool BalloonPages::send(DriverRing& ring, Chunk& chunk) noexcept {
  auto* const list = reinterpret_cast<Le32*>(chunk.buffer.memory);
  for (std::uint32_t i = 0; i < chunk.count; ++i) list[i].store(chunk.pfns[i]);
  return ring.send({chunk.buffer.address, chunk.count * kBalloonPfnSize, false}, 0) == Status::Ok;
}

void BalloonPages::inflated() noexcept {
  for (std::uint32_t i = 0; i < inflating_.count; ++i) balloon_.insert(number_of(inflating_.pfns[i]));
  resize(size_ + inflating_.count);
  inflating_.count = 0;
}

// Returns the deflating frames to the zone unless the zone already has them. The chunk becomes free if
// acknowledged.
PfnCount BalloonPages::release_deflating() noexcept {
  const PfnCount n{released_ ? 0 : deflating_.count};
  for (std::uint32_t i = 0; i < n.raw; ++i) {
    const std::uint32_t pfn = deflating_.pfns[i];
    balloon_.remove(number_of(pfn));
    frames_.give({pfn});
  }
  resize(size_ - n.raw);
  deflating_.count = 0;
  return n;
}

PfnCount BalloonPages::deflate(PfnCount wanted) noexcept {
  PfnCount freed;
  while (freed < wanted) {
    freed += wait_for_deflating();
    if (freed >= wanted || deflating_.count != 0 || !start_deflating(wanted - freed)) break;
    if (must_tell_) continue;
    const std::uint32_t count = deflating_.count;
    freed += release_deflating();
    deflating_.count = count;
    released_ = true;
  }
  if (deflating_.count == 0) tell_actual();  // otherwise on acknowledgement
  frames_.drain();
  return freed;
}

// The wait ends when the device breaks a rule or is silent for too long.
PfnCount BalloonPages::wait_for_deflating() noexcept {
  PollTimeout patience(context_.port());
  while (deflating_.count != 0 && !context_.broken()) {
    if (returned(deflate_, deflating_)) return release_deflating();
    if (!patience.wait()) break;
  }
  return {};
}

void BalloonPages::abandon() noexcept {
  release_deflating();
  for (std::uint32_t i = 0; i < inflating_.count; ++i) frames_.give({inflating_.pfns[i]});
  inflating_.count = 0;
  for (std::uint64_t n = balloon_.find(0); n != FrameBitmap::kNone; n = balloon_.find(n)) {
    balloon_.remove(n);
    frames_.give(frames_.base() + PfnCount{n});
  }
  resize(0);
  inflate_.take_down();
  deflate_.take_down();
}

void BalloonPages::resize(std::uint64_t size) noexcept {
  size_ = size;
  context_.counts.inflated.set(size);
}

// 5.5.6.1: called after the device acknowledged the change, and never while the device is absent.
void BalloonPages::tell_actual() noexcept {
  if (!inflate_.up() || told_actual_ == size_) return;
  told_actual_ = size_;
  context_.write_config(kBalloonActual, static_cast<std::uint32_t>(size_));
}

}  // namespace fallow::detail
