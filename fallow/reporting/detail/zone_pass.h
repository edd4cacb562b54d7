// One pass of the worker over one zone. Each request is isolated, reported and put back in turn.
#pragma once

#include <cstdint>
#include <span>

#include "fallow/base/scatterlist.h"
#include "fallow/base/units.h"
#include "fallow/reporting/policy.h"
#include "fallow/zone/detail/selection.h"

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

// Isolates what a policy selects, request by request, and gives each request to the sink.
class ZonePass final : public ReportingPass {
 public:
  ZonePass(Zone& zone, RequestSink& sink, std::uint32_t capacity, bool ignore_threshold) noexcept
      : ReportingPass(zone, capacity, ignore_threshold), sink_(sink) {}

  bool report(const Selection& selection, std::uint64_t requests) noexcept override;
  bool require(PfnCount above) noexcept override;
  UnreportedCounts count_unreported(Order order) const noexcept override;
  void advance_ages(Nanoseconds tick) noexcept override;

  bool progressed() const { return progressed_; }  // the pass made a request
  bool failed() const { return failed_; }
  // True if the pass ended because too few frames are free (R11); needed() free frames would suffice.
  bool starved() const { return starved_; }
  PfnCount needed() const { return needed_; }

 private:
  PfnCount allowance(Order order) noexcept;

  RequestSink& sink_;
  PfnCount allowed_, used_of_allowance_, needed_;
  Nanoseconds counted_at_;
  bool progressed_ = false, failed_ = false, starved_ = false;
};

}  // namespace fallow::detail
