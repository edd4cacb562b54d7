// The host memory that stands for the frames of a replay: touched, stamped and checked.
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

// A backing of `kind`, but BackingKind::None, for frames 0 to size - 1.
Expected<Backing> create_backing(BackingKind kind, bool lazy_free, PfnCount size);

// One thread.
class HostMemory {
 public:
  // `backing` must outlive it. Fails if stamps are wanted and there is no memory for them: 4 bytes a frame.
  static Expected<HostMemory> create(Backing& backing, bool stamps);

  // Writes to every frame without changing what is in it, so that all are resident.
  void populate(Pfn first, PfnCount n) noexcept;

  // The frames were allocated: writes to each. With stamps, checks that they are zero if that was promised.
  void allocated(Pfn first, PfnCount n, bool promised_zero) noexcept;
  // The frames are about to be freed: with stamps, checks that each holds what was written.
  void freeing(Pfn first, PfnCount n) noexcept;
  // With stamps, checks every frame that is allocated.
  void check_all() noexcept;

  // Frames that did not hold what they should have.
  std::uint64_t corrupted() const noexcept { return corrupted_; }
  Backing& backing() noexcept { return backing_; }

 private:
  HostMemory(Backing& backing, ZeroedArray<std::uint32_t> serials) noexcept;

  void check(Pfn pfn) noexcept;
  std::uint64_t& first_word(Pfn pfn) const noexcept;

  Backing& backing_;
  // What a frame's stamp was made of; 0: not allocated. Null without stamps.
  ZeroedArray<std::uint32_t> serials_;
  std::uint32_t last_serial_ = 0;
  std::uint64_t corrupted_ = 0;
};

}  // namespace fallow::replay
