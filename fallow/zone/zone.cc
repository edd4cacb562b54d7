#include "fallow/zone/zone.h"

#include <new>

#include "fallow/zone/local_cache.h"

namespace fallow {
namespace {

constexpr std::uint64_t kLine = 64;
constexpr std::uint64_t line_up(std::uint64_t n) { return (n + kLine - 1) & ~(kLine - 1); }

Pfn origin_of(const ZoneConfig& c) { return {c.base.raw & ~(frames(kMaxOrder).raw - 1)}; }

std::uint64_t blocks_of(const ZoneConfig& c) {
  const std::uint64_t span = c.base.raw + c.frames.raw - origin_of(c).raw;
  // An even number, so that each block has the buddy it makes a block of order 10 with.
  return (span + frames(kMaxOrder).raw - 1) / frames(kMaxOrder).raw * 2;
}

// The tables, in the order in which they lie in the metadata.
struct Layout {
  explicit Layout(const ZoneConfig& c)
      : blocks(blocks_of(c)),
        caches(line_up(sizeof(Zone))),
        words(caches + c.caches * sizeof(LocalCache)),
        entries(words + blocks * detail::kBlockWords * sizeof(std::uint64_t)),
        index(line_up(entries + blocks * sizeof(std::uint64_t))),
        index_step(line_up(detail::BlockIndex::storage_size(static_cast<std::uint32_t>(blocks)).raw)),
        end(index + (detail::kHomes + 1) * index_step) {}
  std::uint64_t blocks, caches, words, entries, index, index_step, end;
};

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

}  // namespace

ByteCount Zone::metadata_size(const ZoneConfig& config) {
  return valid(config) ? ByteCount{Layout(config).end} : ByteCount{0};
}

Result<Zone*> Zone::create(Port& port, const ZoneConfig& config, std::span<std::byte> metadata) {
  if (!valid(config) || metadata.size() < Layout(config).end) return Status::InvalidArgument;
  if (reinterpret_cast<std::uintptr_t>(metadata.data()) % kLine != 0) return Status::InvalidArgument;
  return new (metadata.data()) Zone(port, config, metadata.data());
}

Zone::Zone(Port& port, const ZoneConfig& config, std::byte* tables)
    : port_(port),
      base_(config.base),
      frames_(config.frames),
      origin_(origin_of(config)),
      cache_count_(config.caches) {
  const Layout at(config);
  blocks_ = static_cast<std::uint32_t>(at.blocks);
  words_ = reinterpret_cast<std::atomic<std::uint64_t>*>(tables + at.words);
  entries_ = reinterpret_cast<std::atomic<std::uint64_t>*>(tables + at.entries);
  const auto storage = [&](unsigned i) {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(tables + at.index + i * at.index_step);
  };
  dirty_ = detail::BlockIndex(blocks_, detail::BlockIndex::Zeros::Members, storage(0));
  for (unsigned i = 0; i < detail::kHomes; ++i) {
    const auto zeros =
        i == detail::kHomeFree ? detail::BlockIndex::Zeros::Members : detail::BlockIndex::Zeros::Absent;
    index_[i] = detail::BlockIndex(blocks_, zeros, storage(i + 1));
  }
  caches_ = reinterpret_cast<LocalCache*>(tables + at.caches);
  for (std::uint32_t i = 0; i < cache_count_; ++i) new (&caches_[i]) LocalCache(*this, i);

  const std::uint64_t root = 4 * square_root(frames_.raw);
  low_watermark_ = {frames_.raw / 64 < root ? frames_.raw / 64 : root};

  // What the first and the last block have beyond the zone is never free.
  const std::uint64_t head = index_of(base_), tail = head + frames_.raw;
  withhold(0, head);
  withhold(tail, std::uint64_t{blocks_} * detail::kBlockFrames - tail);
}

LocalCache& Zone::cache(std::uint32_t i) { return caches_[i]; }
const LocalCache& Zone::cache(std::uint32_t i) const { return caches_[i]; }

void Zone::withhold(std::uint64_t first, std::uint64_t count) noexcept {
  while (count > 0) {
    const std::uint32_t block = static_cast<std::uint32_t>(first / detail::kBlockFrames);
    if (first % detail::kBlockFrames == 0 && count >= detail::kBlockFrames) {
      update(block, [](detail::BlockEntry e) { return e.with_used(detail::kBlockFrames).with_whole(true); });
      first += detail::kBlockFrames;
      count -= detail::kBlockFrames;
      continue;
    }
    const unsigned bit = static_cast<unsigned>(first % detail::kWordFrames);
    const unsigned n =
        static_cast<unsigned>(count < detail::kWordFrames - bit ? count : detail::kWordFrames - bit);
    const std::uint32_t bits = static_cast<std::uint32_t>((std::uint64_t{1} << n) - 1) << bit;
    update(block, [n](detail::BlockEntry e) { return e.with_used(e.used() + n); });
    words_[first / detail::kWordFrames].fetch_or(bits, std::memory_order_relaxed);
    first += n;
    count -= n;
  }
}

Status Zone::reserve(Pfn first, PfnCount count) {
  if (!contains(first, count)) return Status::InvalidArgument;
  const std::uint64_t from = index_of(first);
  for (std::uint64_t i = from; i < from + count.raw; ++i) {
    const detail::BlockEntry e = entry(static_cast<std::uint32_t>(i / detail::kBlockFrames));
    const detail::FrameWord w{words_[i / detail::kWordFrames].load(std::memory_order_relaxed)};
    if (e.closed() || (((w.used() | w.mark()) >> (i % detail::kWordFrames)) & 1) != 0)
      return Status::InvalidArgument;
  }
  withhold(from, count.raw);
  reserved_.fetch_add(count.raw, std::memory_order_relaxed);
  return Status::Ok;
}

// MO-3: the entry was changed first. Two threads may do this for one block in any order; a thread that
// removes looks at the entry afterwards, and lists the block again where it belongs by then: true if that was
// needed. So when all is quiet, each block is listed at home, and perhaps elsewhere, which a search finds out
// and mends. The new list comes first, so that a search finds a block that moves in one of the two.
bool Zone::relist(std::uint32_t block, unsigned from, unsigned to) noexcept {
  if (to != detail::kNoHome) index_[to].insert(block);
  if (from == detail::kNoHome) return false;
  index_[from].remove(block);
  const unsigned now = detail::home(entry(block));
  return now != to && now != detail::kNoHome && index_[now].insert(block);
}

void Zone::relist(std::uint32_t block, detail::BlockEntry before, detail::BlockEntry after) noexcept {
  const unsigned from = detail::home(before), to = detail::home(after);
  if (from != to) static_cast<void>(relist(block, from, to));
}

void Zone::restart_ages() noexcept {
  constexpr unsigned kAllGroups = (1U << detail::kAgeGroups) - 1;
  const unsigned now = tick();
  for (std::uint32_t b = 0; b < blocks_; ++b) {
    update(b, [now](detail::BlockEntry e) {
      return e.used() < detail::kBlockFrames ? e.stamped(kAllGroups, now) : e;
    });
  }
}

bool Zone::mend_listing(std::uint32_t block, unsigned home) noexcept {
  return detail::home(entry(block)) != home && relist(block, home, detail::kNoHome);
}

// MO-2. While forgets_ is odd, marks in words are neither taken nor put back nor closed over, and no request
// is in flight: what this passes stays without marks.
void Zone::forget_reported() noexcept {
  // seq_cst: MO-2, before the caches are looked at.
  forgets_.fetch_add(1, std::memory_order_seq_cst);
  for (std::uint32_t i = 0; i < cache_count_; ++i) {
    while (caches_[i].uses_marks()) port_.relax();
  }
  for (std::uint32_t b = 0; b < blocks_; ++b) forget_block(b);
  // release: MO-27, pairs with forgets(): marks that are found from here on are new ones.
  forgets_.fetch_add(1, std::memory_order_release);
}

void Zone::forget_block(std::uint32_t block) noexcept {
  for (;; port_.relax()) {
    bool dropped = false;
    const detail::BlockEntry e = update(
        block,
        [](detail::BlockEntry old) { return old.reported() ? old.with_reported(false).with_marked(0) : old; },
        &dropped);
    if (dropped) {
      marks_given_.fetch_sub(detail::kBlockFrames, std::memory_order_relaxed);
      note_free(block, 0, 1);
      return;
    }
    if (e.splitting()) continue;  // perhaps because it is reported
    if (e.closed()) return;
    break;
  }
  unsigned dropped = 0;
  for (unsigned i = 0; i < detail::kBlockWords; ++i) {
    std::atomic<std::uint64_t>& slot = words_[std::uint64_t{block} * detail::kBlockWords + i];
    std::uint64_t raw = slot.load(std::memory_order_relaxed);
    detail::FrameWord after;
    do {
      after = detail::FrameWord::of(detail::FrameWord{raw}.used(), detail::FrameWord{raw}.isolated());
      // relaxed: only marks change, and forgets_ orders them.
    } while (after.raw != raw && !slot.compare_exchange_weak(raw, after.raw, std::memory_order_relaxed,
                                                             std::memory_order_relaxed));
    dropped += detail::count_none_or_all(detail::FrameWord{raw}.mark() & ~after.mark());
  }
  if (dropped == 0) return;
  marks_given_.fetch_sub(dropped, std::memory_order_relaxed);
  // ZONE-3: until here `marked` is not 0, which keeps the block from being closed over its words.
  const detail::BlockEntry before =
      update(block, [dropped](detail::BlockEntry e) { return e.with_fewer_marked(dropped); });
  note_free(block, before.used(), dropped);
}

bool Zone::in_transit() const noexcept {
  for (std::uint32_t i = 0; i < cache_count_; ++i) {
    if (caches_[i].attempts() % 2 != 0 || caches_[i].is_giving_back()) return true;
  }
  return false;
}

Misuse Zone::misuse() const noexcept {
  const std::uint64_t last = misuse_last_.load(std::memory_order_relaxed);
  return {misuse_count_.load(std::memory_order_relaxed), Pfn{last >> 8}, static_cast<Status>(last & 0xff)};
}

Status Zone::refuse(Pfn pfn, Status why) noexcept {
  const Pfn named = pfn < Misuse::kLastNamed ? pfn : Misuse::kLastNamed;
  misuse_last_.store((named.raw << 8) | static_cast<std::uint64_t>(why), std::memory_order_relaxed);
  misuse_count_.fetch_add(1, std::memory_order_relaxed);
  return why;
}

}  // namespace fallow
