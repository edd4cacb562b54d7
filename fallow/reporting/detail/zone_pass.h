// One pass of the worker over one zone. Each request is isolated, reported and put back in turn.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/detail/isolation.h"
#include "fallow/zone/zone.h"

namespace fallow::detail {

// Carries filled requests to the device and settles them.
class RequestSink {
 public:
  // Returns a list of capacity() entries to fill; empty if the pass must end because no request slot is free
  // or the device is being unregistered.
  virtual std::span<ScatterEntry> open() noexcept = 0;
  // Gives the list back without making a request.
  virtual void abandon() noexcept = 0;
  // Reports the first `entries` entries of the list. Returns false if the device failed.
  virtual bool submit(std::uint32_t entries) noexcept = 0;

 protected:
  ~RequestSink() = default;
};

// The view that a policy has of one pass: the policy selects what is reported, and the pass enforces R11.
class ZonePass {
 public:
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

  ZonePass(Zone& zone, RequestSink& sink, std::uint32_t capacity, bool ignore_threshold)
      : zone_(zone), sink_(sink), capacity_(capacity), ignore_threshold_(ignore_threshold) {}

  Zone& zone() { return zone_; }
  std::uint32_t capacity() const { return capacity_; }
  // Returns true if the pass ignores the threshold: the device is new and existing pages count (R2), or the
  // last pass failed (R7).
  bool ignore_threshold() const { return ignore_threshold_; }

  // Reports what the selection matches, in at most `requests` requests. Returns false if the pass must end:
  // the device failed or is being unregistered, or the zone is at its low watermark (R11).
  bool report(const Selection& selection, std::uint64_t requests) noexcept;

  // Returns whether at least `above` frames more than the low watermark are free. If not, the pass ends: the
  // zone is short of frames, and its next pass runs once that many are free.
  bool require(PfnCount above) noexcept;

  bool left_something() const { return left_; }
  bool progressed() const { return progressed_; }  // the pass made a request
  bool failed() const { return failed_; }
  // True if the pass ended because too few frames are free (R11); needed() free frames would suffice.
  bool starved() const { return starved_; }
  PfnCount needed() const { return needed_; }

 private:
  PfnCount allowance(Order order) noexcept;

  Zone& zone_;
  RequestSink& sink_;
  const std::uint32_t capacity_;
  const bool ignore_threshold_;
  PfnCount allowed_, used_of_allowance_, needed_;
  Nanoseconds counted_at_;
  bool left_ = false, progressed_ = false, failed_ = false, starved_ = false;
};

}  // namespace fallow::detail
