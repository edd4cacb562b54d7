// What a balloon device wants of the memory behind a guest. It makes no system call itself.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/base/content.h"
#include "fallow/base/scatterlist.h"
#include "fallow/base/status.h"
#include "fallow/base/units.h"

namespace fallow {

// Frames are the backing's own, from wherever it begins. Any number of threads.
class MemoryBacking {
 public:
  // Gives whole host pages back to their owner. OutsideZone: not wholly inside. Failed: not released, or only
  // a part.
  virtual Status discard(Pfn first, PfnCount n) noexcept = 0;

  // The same for several runs, in as few calls of the host as can be; one that fails does not hold up the
  // others. `answers`: as many places as runs.
  virtual void discard_all(std::span<const ScatterEntry> runs, Status* answers) noexcept {
    for (std::size_t i = 0; i < runs.size(); ++i) answers[i] = discard(runs[i].first, runs[i].count);
  }

  // The guest is about to use these frames again. What it does, if anything, is advice; a failure is no
  // fault.
  virtual Status populate(Pfn first, PfnCount n) noexcept = 0;

  // How many frames are in memory at present.
  virtual Result<PfnCount> resident() noexcept = 0;

  // What a discarded frame reads as.
  virtual Content content_after() const noexcept { return Content::Zero; }

  // Frames in a host page, a power of two: what is discarded starts and ends at a multiple of it.
  virtual PfnCount page() const noexcept { return {1}; }

 protected:
  ~MemoryBacking() = default;
};

}  // namespace fallow
