// Checks what must be true of each frame in every schedule.
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

// Keeps a byte or two for each frame beside the zone. Every member fails the schedule if a guarantee is
// violated.
class Oracle {
 public:
  explicit Oracle(Zone& zone);

  // An allocation succeeded: its frames were unowned, and were not being reported (R6). `promised`: the
  // content that devices promised during the call.
  void allocated(Pfn first, PfnCount count, bool content_known, std::initializer_list<Content> promised);
  // Called before the frames are freed.
  void freeing(Pfn first, PfnCount count);
  // A request is passed to the device: its frames are free, were not reported twice without a use in between
  // (R8), and its list is well formed (R5).
  void reporting(Scatterlist list, std::uint32_t capacity, Order order);
  // The device is about to return its result. `content`: the content of the frames from now on.
  void settled(Scatterlist list, bool reported, Content content);
  // Frames that the scenario reserved are permanently in use.
  void withhold(Pfn first, PfnCount count);
  // forget_reported() has begun: report bits no longer count (R10).
  void forgotten();

  bool is_allocated(Pfn pfn) const { return at(pfn).allocated; }
  bool all_allocated(Pfn first, Order order) const;
  bool withheld(Pfn pfn) const { return at(pfn).withheld; }
  std::uint64_t allocated_frames() const { return count(&Frame::allocated); }
  std::uint64_t reported_frames() const { return count(&Frame::reported); }
  std::uint64_t refaults() const { return refaults_; }
  // Counts refaults of frames whose report was forgotten: these may or may not be counted.
  std::uint64_t forgotten_refaults() const { return forgotten_refaults_; }
  // Returns the free unreported runs, as a buddy allocator would list them.
  detail::UnreportedCounts unreported(Order order) const;
  // A local cache holds the frame. A concurrent pass cannot reach the frame, and need not return for it (R7).
  void held(Pfn pfn) { at(pfn).failed = false; }
  // Whether a run of `order` is free and not reported, was in a failed request, and has not been held since
  // (R7).
  bool has_failed(Order order) const;

 private:
  struct Frame {
    bool allocated = false;
    bool in_flight = false;
    bool reported = false;               // reported and not used since
    bool failed = false;                 // in a failed request, and not held or reported since
    Content content = Content::Unknown;  // the content that a device left
    bool forgotten = false;              // reported when reports were forgotten
    bool withheld = false;
    std::uint8_t owned = 0;  // written by any thread that may write the frame, so that races are detected
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
