// What must be true of each frame, whatever the schedule.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "fallow/base/scatterlist.h"
#include "fallow/reporting/reporting_device.h"
#include "fallow/zone/detail/isolation.h"
#include "fallow/zone/zone.h"
#include "tests/explore/engine/engine.h"

namespace fallow::explore {

// A byte or two for each frame, kept beside the zone. All members fail the schedule if a promise is broken.
class Oracle {
 public:
  explicit Oracle(Zone& zone);

  // An allocation succeeded: its frames belonged to nobody, and were not being reported (R6).
  // `promised`: what devices promised during the call.
  void allocated(Pfn first, PfnCount count, bool holds_promise, std::initializer_list<Content> promised);
  // Before they are freed.
  void freeing(Pfn first, PfnCount count);
  // The device is shown a request: free frames, not shown twice without a use in between (R8), well formed
  // (R5).
  void reporting(Scatterlist list, std::uint32_t capacity, Order order);
  // The device is about to say what became of it. `content`: what the frames hold from now on.
  void settled(Scatterlist list, bool reported, Content content);
  // Frames that the scenario reserved are in use for good.
  void withhold(Pfn first, PfnCount count);
  // forget_reported() has begun: marks do not count any more (R10).
  void forgotten();

  bool is_allocated(Pfn pfn) const { return at(pfn).allocated; }
  bool all_allocated(Pfn first, Order order) const;
  bool withheld(Pfn pfn) const { return at(pfn).withheld; }
  std::uint64_t allocated_frames() const { return count(&Frame::allocated); }
  std::uint64_t marked_frames() const { return count(&Frame::marked); }
  std::uint64_t refaults() const { return refaults_; }
  // Of frames whose marks were forgotten: they may or may not count.
  std::uint64_t forgotten_refaults() const { return forgotten_refaults_; }
  // Free runs that are not marked, as a buddy allocator would list them.
  detail::UnreportedCounts unreported(Order order) const;
  // A local cache holds it: what a pass meanwhile cannot get at, it need not come back for (R7).
  void held(Pfn pfn) { at(pfn).failed = false; }
  // A run of `order` that is free and unmarked, that a failed request held, and that nobody held since (R7).
  bool has_failed(Order order) const;

 private:
  struct Frame {
    bool allocated = false;
    bool in_flight = false;
    bool marked = false;                 // reported and not used since
    bool failed = false;                 // in a request that failed, and not held or reported since
    Content content = Content::Unknown;  // what a device left there
    bool forgotten = false;              // marked when marks were forgotten
    bool withheld = false;
    std::uint8_t owned = 0;  // written by whoever may write the frame: races are found here
  };

  std::uint64_t index(Pfn pfn) const { return (pfn - zone_.base()).raw; }
  Frame& at(Pfn pfn) { return frames_[index(pfn)]; }
  const Frame& at(Pfn pfn) const { return frames_[index(pfn)]; }
  std::uint64_t count(bool Frame::*member) const;
  void touch(Pfn first, PfnCount count);
  bool can_be_reported(Pfn first, PfnCount run) const;

  Zone& zone_;
  std::uint64_t refaults_ = 0, forgotten_refaults_ = 0;
  Frame* frames_;
};

}  // namespace fallow::explore
