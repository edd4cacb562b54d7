// The operations that a balloon device needs on the memory behind a guest. This header makes no system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/scatterlist.h"
#include "fallow/base/status.h"
#include "fallow/base/units.h"

namespace fallow {

/// The content of a reported or discarded frame afterwards (contract R12).
enum class Content : std::uint8_t {
  Unknown,  ///< Unspecified.
  Zero,     ///< All bytes are zero.
  Poison,   ///< The poison value that device and guest agreed on.
};

/// The memory behind a guest. Frame numbers are those of the backing, which need not begin at 0. Any number
/// of threads may call all members at once.
class MemoryBacking {
 public:
  /// Gives whole host pages back to the host. OutsideZone: the range is not wholly inside the backing.
  /// Failed: the host released nothing, or only a part.
  virtual Status discard(Pfn first, PfnCount n) noexcept = 0;

  /// Discards several runs in as few system calls as possible. A run that fails does not stop the others.
  /// `answers` has one element for each run.
  virtual void discard_all(std::span<const ScatterEntry> runs, Status* answers) noexcept {
    for (std::size_t i = 0; i < runs.size(); ++i) answers[i] = discard(runs[i].first, runs[i].count);
  }

  /// Announces that the guest is about to use these frames again. The call is advice: it may do nothing, and
  /// a failure is harmless.
  virtual Status populate(Pfn first, PfnCount n) noexcept = 0;

  /// Returns how many frames are in memory at present.
  virtual Result<PfnCount> resident() noexcept = 0;

  /// Returns what a discarded frame reads as.
  virtual Content content_after() const noexcept { return Content::Zero; }

  /// Returns the number of frames in a host page, a power of two. Discarded ranges start and end at a
  /// multiple of this number.
  virtual PfnCount page() const noexcept { return {1}; }

 protected:
  ~MemoryBacking() = default;
};

}  // namespace fallow
