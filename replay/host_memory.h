// The host memory behind the frames of a replay: writes to frames, stamps and checks them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "fallow/base/units.h"
#include "fallow/host/backing.h"
#include "fallow/host/expected.h"
#include "replay/replay.h"
#include "replay/zeroed_array.h"

namespace fallow::replay {

// Creates a backing of any kind except BackingKind::None for frames 0 to size - 1.
Expected<Backing> create_backing(BackingKind kind, bool lazy_free, PfnCount size);

// For use by one thread.
class HostMemory {
 public:
  // `backing` must outlive this object. Stamps take 4 bytes a frame; fails if there is no memory for them.
  static Expected<HostMemory> create(Backing& backing, bool stamps);

  // Writes to every frame without changing its content, so that all frames become resident.
  void populate(Pfn first, PfnCount n) noexcept;

  // Writes to each allocated frame. With stamps and `must_be_zero`, first checks that each frame is zero.
  void allocated(Pfn first, PfnCount n, bool must_be_zero) noexcept;
  // Called before the frames are freed. With stamps, checks that each frame still holds its stamp.
  void freeing(Pfn first, PfnCount n) noexcept;
  // With stamps, checks every allocated frame.
  void check_all() noexcept;

  // Returns the number of frames whose check failed.
  std::uint64_t corrupted() const noexcept { return corrupted_; }
  Backing& backing() noexcept { return backing_; }

 private:
  HostMemory(Backing& backing, ZeroedArray<std::uint32_t> serials) noexcept;

  void check(Pfn pfn) noexcept;
  std::uint64_t& first_word(Pfn pfn) const noexcept;

  Backing& backing_;
  // The serial number in the stamp of each frame; 0: not allocated. Null without stamps.
  ZeroedArray<std::uint32_t> serials_;
  std::uint32_t last_serial_ = 0;
  std::uint64_t corrupted_ = 0;
};

}  // namespace fallow::replay
