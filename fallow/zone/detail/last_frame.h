// The fast path for a thread that frees the frame that it allocated last (ZONE-9).
//
// The frame stays outside the hand of movable frames until the cache does anything else, so that freeing and
// allocating it again costs one plain store each.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::detail {

// A cache owns one. Other threads call only peek() and note_others_free().
class LastFrame {
 public:
  static constexpr Pfn kNone{~std::uint64_t{0}};

  // Returns the frame that was freed again and counts as in the hand; kNone if there is none. relaxed: this
  // cache is the only writer.
  Pfn freed() const { return {freed_.load(std::memory_order_relaxed)}; }
  // The same for another thread. acquire: MO-20, before the hands.
  Pfn peek() const { return {freed_.load(std::memory_order_acquire)}; }

  // Notes that `pfn` was handed out last.
  void set(Pfn pfn) { last_ = pfn; }
  // From here on no frame is the last one. Required whenever the frames of the hand may be freed or moved.
  void forget() { last_ = kNone; }
  // The hand was filled: what other caches freed before cannot be one of its frames.
  void reset() {
    forget();
    others_freed_.store(false, std::memory_order_relaxed);
  }

  // Frees `pfn` if it was handed out last and no other cache may have freed it since.
  [[gnu::always_inline]] bool take_back(Pfn pfn) {
    // relaxed: MO-23
    if (pfn != last_ || pfn == kNone || others_freed_.load(std::memory_order_relaxed)) return false;
    freed_.store(pfn.raw, std::memory_order_relaxed);
    last_ = kNone;
    return true;
  }
  // Hands out freed() again.
  void hand_out_again(Pfn pfn) {
    freed_.store(kNone.raw, std::memory_order_relaxed);
    last_ = pfn;
  }
  // Call after the frame was put into the hand. release: MO-20, a thread that no longer sees the frame here
  // sees it in the hand.
  void moved_to_hand() { freed_.store(kNone.raw, std::memory_order_release); }

  // Called by another cache before it frees frames of a block of this one.
  void note_others_free() noexcept {
    // relaxed: MO-23. Loads first, because the cache line belongs to the owner.
    if (!others_freed_.load(std::memory_order_relaxed)) others_freed_.store(true, std::memory_order_relaxed);
  }

 private:
  Pfn last_ = kNone;
  std::atomic<std::uint64_t> freed_{kNone.raw};
  // Another cache freed frames of a block of this cache since the hand was filled, perhaps this frame.
  std::atomic<bool> others_freed_{false};
};

}  // namespace fallow::detail
