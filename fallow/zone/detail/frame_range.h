// The frames of a zone, and how they are numbered inside it.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/detail/block_entry.h"
#include "fallow/zone/zone_config.h"

namespace fallow::detail {

// The index of a frame counts from the start of its zone's first block, which may lie before base().
class FrameRange {
 public:
  explicit FrameRange(const ZoneConfig& c)
      : base_(c.base),
        frames_(c.frames),
        origin_{c.base.raw & ~(frames(kMaxOrder).raw - 1)},
        blocks_(static_cast<std::uint32_t>(count_blocks(c.base.raw + c.frames.raw - origin_.raw))) {}

  Pfn base() const { return base_; }
  PfnCount size() const { return frames_; }
  std::uint32_t blocks() const { return blocks_; }
  std::uint64_t index_of(Pfn pfn) const { return pfn.raw - origin_.raw; }
  Pfn pfn_of(std::uint64_t index) const { return {origin_.raw + index}; }
  bool contains(Pfn first, PfnCount count) const {
    return first >= base_ && count <= frames_ && first - base_ <= frames_ - count;
  }

 private:
  // Returns an even number, so that each block has the buddy with which it forms a block of order 10.
  static constexpr std::uint64_t count_blocks(std::uint64_t frames_from_origin) {
    const std::uint64_t pair = frames(kMaxOrder).raw;
    return (frames_from_origin + pair - 1) / pair * 2;
  }

  Pfn base_;
  PfnCount frames_;
  Pfn origin_;
  std::uint32_t blocks_;
};

}  // namespace fallow::detail
