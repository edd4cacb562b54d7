#include "tests/explore/world/memory_judge.h"

#include <algorithm>

namespace fallow::explore {
namespace {

// A free block of zeros, except for the slots that hold no word: see LocalCache::held().
constexpr std::uint64_t kEmptySlot = std::uint64_t{0xffffffff} << 32;

constexpr unsigned kNever = ~0U;

}  // namespace

MemoryJudge::MemoryJudge(Zone& zone) : zone_(zone) {
  words_ = reinterpret_cast<const std::byte*>(&zone.tables().word(0));
  entries_ = words_ + std::size_t{zone.tables().blocks()} * detail::kBlockWords * sizeof(std::uint64_t);
  tables_end_ = entries_ + std::size_t{zone.tables().blocks()} * sizeof(std::uint64_t);
  caches_ = reinterpret_cast<const std::byte*>(&zone.cache(0));
  for (unsigned i = 0; i < sizeof(LocalCache) / 8 && i < 32; ++i) {
    std::uint64_t raw;
    std::memcpy(&raw, caches_ + 8 * i, 8);
    if (raw == kEmptySlot) held_slots_ |= 1U << i;
  }
  if (held_slots_ == 0) engine().fail("the judge does not know a local cache any more");
}

MemoryJudge::Log& MemoryJudge::log() const {
  static Log the_log;
  if (!begun_) {
    the_log.writes.clear();
    the_log.calls.clear();
    the_log.holds.clear();
    the_log.refusals.clear();
    begun_ = true;
  }
  return the_log;
}

void MemoryJudge::begin_call() {
  if (!engine().concurrent()) return;
  call_of_[engine().self()] = static_cast<unsigned>(log().calls.size());
  // The first step of this call. The last step before it belongs to the previous call, which has just ended.
  log().calls.push_back({engine().self(), engine().now() + 1, kNever});
}

void MemoryJudge::end_call() {
  if (engine().concurrent()) log().calls[call_of_[engine().self()]].end = engine().now();
}

void MemoryJudge::holds(Pfn first, PfnCount count) {
  if (!engine().concurrent()) return;
  log().holds.push_back({engine().now(), log().calls[call_of_[engine().self()]].begin, first, count});
}

void MemoryJudge::had_no_memory(Order order) {
  if (!engine().concurrent()) return;
  log().refusals.push_back({log().calls[call_of_[engine().self()]].begin, engine().now(), order});
}

void MemoryJudge::wrote(void* at, std::uint64_t before, std::uint64_t after) {
  if (!engine().concurrent() || before == after) return;
  const auto* byte = static_cast<const std::byte*>(at);
  if (byte >= words_ && byte < tables_end_) {
    log().writes.push_back(
        {engine().now(), engine().self(), static_cast<std::uint32_t>(byte - words_), before, after});
    return;
  }
  if (byte < caches_ || byte >= words_) return;
  const auto slot = static_cast<std::size_t>(byte - caches_) % sizeof(LocalCache) / 8;
  if (slot >= 32 || (held_slots_ >> slot & 1) == 0) return;
  const std::uint64_t w = slot_word(after);
  if (w >= std::uint64_t{zone_.tables().blocks()} * detail::kBlockWords) return;
  for (std::uint32_t bits = static_cast<std::uint32_t>(after); bits != 0; bits &= bits - 1) {
    const std::uint64_t index = w * detail::kWordFrames + static_cast<unsigned>(std::countr_zero(bits));
    holds(zone_.tables().pfn_of(index), {1});
  }
}

// Replays the writes, and computes for each frame when it was held.
class MemoryJudge::Frames {
 public:
  Frames(const MemoryJudge& judge, const Log& log) : judge_(judge), log_(log) {
    const std::size_t words = std::size_t{judge.zone_.tables().blocks()} * detail::kBlockWords;
    words_.resize(words);
    entries_.resize(judge.zone_.tables().blocks());
    unwritten_.resize(words);
    std::memcpy(words_.data(), judge.words_, words * 8);
    std::memcpy(entries_.data(), judge.entries_, entries_.size() * 8);
    for (auto w = log.writes.rbegin(); w != log.writes.rend(); ++w) slot(w->offset) = w->before;
    since_.assign(words * detail::kWordFrames, kNever);
    held_.resize(words * detail::kWordFrames);
    for (std::size_t f = 0; f < since_.size(); ++f) {
      if (used(f)) since_[f] = 0;
    }
    for (const Write& w : log.writes) apply(w);
    for (std::size_t f = 0; f < since_.size(); ++f) {
      if (since_[f] != kNever) held_[f].push_back({since_[f], kNever, since_[f] == 0});
    }
    for (const Hold& h : log.holds) mark(h);
  }

  bool held(std::uint64_t frame, unsigned from, unsigned to) const {
    return std::any_of(held_[frame].begin(), held_[frame].end(),
                       [=](const Interval& i) { return i.held && i.begin <= to && i.end >= from; });
  }

 private:
  struct Interval {
    unsigned begin, end;
    bool held;
  };

  std::uint64_t& slot(std::uint32_t offset) {
    const std::size_t at = offset / 8;
    return at < words_.size() ? words_[at] : entries_[at - words_.size()];
  }

  bool used(std::size_t f) const {
    const detail::BlockEntry e{entries_[f / detail::kBlockFrames]};
    if (e.isolated() || e.reported()) return false;
    if (e.whole()) return true;
    // A frame of a block that was allocated as a whole is in use until its word is written; then the word
    // decides.
    if (e.splitting() && e.used() == 0) return false;
    if (unwritten_[f / detail::kWordFrames]) return true;
    return ((detail::FrameWord{words_[f / detail::kWordFrames]}.allocated() >> (f % detail::kWordFrames)) &
            1) != 0;
  }

  void apply(const Write& w) {
    slot(w.offset) = w.after;
    const std::size_t at = w.offset / 8;
    const bool word = at < words_.size();
    if (word) {
      unwritten_[at] = false;
    } else if (!detail::BlockEntry{w.before}.splitting() || !detail::BlockEntry{w.after}.splitting()) {
      const auto of_block =
          unwritten_.begin() + static_cast<std::ptrdiff_t>((at - words_.size()) * detail::kBlockWords);
      std::fill(of_block, of_block + detail::kBlockWords,
                detail::BlockEntry{w.before}.whole() && detail::BlockEntry{w.after}.splitting());
    }
    const std::size_t first = word ? at * detail::kWordFrames : (at - words_.size()) * detail::kBlockFrames;
    for (std::size_t f = first; f < first + (word ? detail::kWordFrames : detail::kBlockFrames); ++f) {
      if (used(f) == (since_[f] != kNever)) continue;
      if (since_[f] == kNever) {
        since_[f] = w.step;
      } else {
        held_[f].push_back({since_[f], end_of_call(w), since_[f] == 0});
        since_[f] = kNever;
      }
    }
  }

  // Frames that a call gives back are certainly free once the call has ended.
  unsigned end_of_call(const Write& w) const {
    for (const Call& c : log_.calls) {
      if (c.thread == w.thread && c.begin <= w.step && w.step <= c.end) return c.end;
    }
    return w.step;
  }

  void mark(const Hold& h) {
    const std::uint64_t first = judge_.zone_.tables().index_of(h.first);
    for (std::uint64_t f = first; f < first + h.count.raw; ++f) {
      for (Interval& i : held_[f]) {
        if (i.begin > h.step || i.end < h.step) continue;
        i.held = true;
        i.begin = std::min(i.begin, h.begin);
      }
    }
  }

  const MemoryJudge& judge_;
  const Log& log_;
  std::vector<std::uint64_t> words_, entries_;
  std::vector<bool> unwritten_;  // words of a block that is being split, and was allocated as a whole
  std::vector<unsigned> since_;  // in use since this step
  std::vector<std::vector<Interval>> held_;
};

std::string MemoryJudge::verdict(bool weak) const {
  if (log().refusals.empty()) return {};
  const Frames history(*this, log());
  for (const Refusal& r : log().refusals) {
    const std::uint64_t run = frames(r.order).raw;
    const std::uint64_t first = zone_.tables().index_of(zone_.base()), end = first + zone_.size().raw;
    for (std::uint64_t f = (first + run - 1) / run * run; f + run <= end; f += run) {
      std::uint64_t i = 0;
      while (i < run && !history.held(f + i, weak ? 0 : r.begin, r.end)) ++i;
      if (i < run) continue;
      return "R11: NoMemory at order " + std::to_string(r.order.raw) + " from step " +
             std::to_string(r.begin) + " to " + std::to_string(r.end) + ", though frame " +
             std::to_string(zone_.tables().pfn_of(f).raw) + " began such a block that was free throughout";
    }
  }
  return {};
}

}  // namespace fallow::explore
