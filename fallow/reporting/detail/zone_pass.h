// One pass of the worker over one zone: isolate, report, put back, request by request.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/detail/isolation.h"
#include "fallow/zone/zone.h"

namespace fallow::detail {

// Carries a filled request to the device and settles it.
class RequestSink {
 public:
  // A list of capacity() entries to fill; empty when the pass must end (the device is being unregistered).
  virtual std::span<ScatterEntry> open() noexcept = 0;
  // Gives the list back without a request.
  virtual void abandon() noexcept = 0;
  // Reports the first `entries` of it. False if the device failed.
  virtual bool submit(std::uint32_t entries) noexcept = 0;

 protected:
  ~RequestSink() = default;
};

class ZonePass {
 public:
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

  ZonePass(Zone& zone, RequestSink& sink, std::uint32_t capacity, bool everything)
      : zone_(zone), sink_(sink), capacity_(capacity), everything_(everything) {}

  Zone& zone() { return zone_; }
  std::uint32_t capacity() const { return capacity_; }
  // Whatever the mark: the device is new, and existing pages count (R2), or the last pass failed (R7).
  bool everything() const { return everything_; }

  // Reports what the selection matches, in at most `requests` requests. False if the pass is over: the
  // device failed or goes away, or the zone is at its low watermark (R11).
  bool report(const Selection& selection, std::uint64_t requests) noexcept;

  // Whether at least `above` frames more than the low watermark are free. If not, the pass is over: the zone
  // is short of frames, and has its next pass once so many are free.
  bool require(PfnCount above) noexcept;

  bool left_something() const { return left_; }
  bool progressed() const { return progressed_; }  // a request was made
  bool failed() const { return failed_; }
  // The pass ended because too few frames are free (R11); needed() would be enough.
  bool starved() const { return starved_; }
  PfnCount needed() const { return needed_; }

 private:
  PfnCount allowance(Order order) noexcept;

  Zone& zone_;
  RequestSink& sink_;
  const std::uint32_t capacity_;
  const bool everything_;
  PfnCount allowed_, used_of_it_, needed_;
  Nanoseconds looked_at_;
  bool left_ = false, progressed_ = false, failed_ = false, starved_ = false;
};

}  // namespace fallow::detail
