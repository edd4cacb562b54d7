// What a balloon device wants of the memory behind a guest. It makes no system call itself.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/reporting/reporting_device.h"

namespace fallow {

// Frames are the backing's own, from wherever it begins. Any number of threads.
class MemoryBacking {
 public:
  // Gives whole host pages back to their owner. OutsideZone: not wholly inside. Failed: not released, or only
  // a part.
  virtual Status discard(Pfn first, PfnCount n) noexcept = 0;

  // Gives the first of several runs back together, and says how many it did; 0 if that cannot be, or is no
  // gain. What is wrong with the next one, if anything is, discard() says.
  virtual std::size_t discard_first(std::span<const ScatterEntry>) noexcept { return 0; }

  // Gives several runs back in as few calls of the host as can be: for each in turn `done(index, status)`.
  template <class Done>
  void discard_each(std::span<const ScatterEntry> runs, Done done) noexcept {
    for (std::size_t i = 0; i < runs.size();) {
      const std::size_t n = discard_first(runs.subspan(i));
      for (const std::size_t end = i + n; i < end; ++i) done(i, Status::Ok);
      if (n != 0) continue;
      done(i, discard(runs[i].first, runs[i].count));
      ++i;
    }
  }

  // The guest is about to use these frames again. What it does, if anything, is advice; a failure is no
  // fault.
  virtual Status populate(Pfn first, PfnCount n) noexcept = 0;

  // How many frames are in memory at present.
  virtual Result<PfnCount> resident() noexcept = 0;

  // What a discarded frame reads as.
  virtual Promise promise() const noexcept { return Promise::Zero; }

  // Frames in a host page, a power of two: what is discarded starts and ends at a multiple of it.
  virtual PfnCount page() const noexcept { return {1}; }

 protected:
  ~MemoryBacking() = default;
};

}  // namespace fallow
