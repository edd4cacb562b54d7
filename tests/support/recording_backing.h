// A backing for tests of the balloon device. Its memory is an array. It records its calls, fails on request,
// and stops the program on a call that no test may cause.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "fallow/base/check.h"
#include "fallow/base/memory_backing.h"

namespace fallow {

class RecordingBacking final : public MemoryBacking {
 public:
  struct Run {
    Pfn first;
    PfnCount count;
    friend bool operator==(const Run&, const Run&) = default;
  };

  // Frames [first, first + frames) lie from `memory` on. `page` is the number of frames in a host page.
  RecordingBacking(std::byte* memory, Pfn first, PfnCount frames, PfnCount page = {1})
      : memory_(memory), first_(first), frames_(frames), page_(page), discarded_(frames.raw) {}

  Status discard(Pfn first, PfnCount n) noexcept override {
    FALLOW_CHECK(n.raw != 0 && first >= first_ && first - first_ <= frames_);
    FALLOW_CHECK(n <= frames_ - (first - first_));
    FALLOW_CHECK(first.raw % page_.raw == 0 && n.raw % page_.raw == 0);
    if (during_discard) during_discard();
    discards.push_back({first, n});
    if (discards.size() == fail_at) return Status::Failed;
    const std::uint64_t at = (first - first_).raw;
    for (std::uint64_t i = 0; i < n.raw; ++i) discarded_[at + i] = true;
    std::memset(memory_ + at * kFrameSize, 0, n.raw * kFrameSize);
    return Status::Ok;
  }
  void discard_all(std::span<const ScatterEntry> runs, Status* answers) noexcept override {
    batches.push_back(runs.size());
    MemoryBacking::discard_all(runs, answers);
  }
  Status populate(Pfn first, PfnCount n) noexcept override {
    FALLOW_CHECK(n.raw != 0 && first >= first_ && n <= frames_ && first - first_ <= frames_ - n);
    populates.push_back({first, n});
    return Status::Failed;  // only advice: a failure has no effect
  }
  Result<PfnCount> resident() noexcept override { return frames_; }
  Content content_after() const noexcept override { return promised; }
  PfnCount page() const noexcept override { return page_; }

  // Whether a frame was ever discarded.
  bool discarded(Pfn frame) const { return discarded_[(frame - first_).raw]; }
  Pfn first() const { return first_; }
  PfnCount frames() const { return frames_; }
  void forget() {
    discards.clear();
    batches.clear();
    populates.clear();
    discarded_.assign(discarded_.size(), false);
  }

  std::vector<Run> discards, populates;
  std::size_t fail_at = 0;           // the i-th discard fails, from 1 on
  std::vector<std::size_t> batches;  // the number of ranges of each call
  Content promised = Content::Zero;
  std::function<void()> during_discard;  // the guest's actions during a discard

 private:
  std::byte* memory_;
  Pfn first_;
  PfnCount frames_, page_;
  std::vector<bool> discarded_;
};

}  // namespace fallow
