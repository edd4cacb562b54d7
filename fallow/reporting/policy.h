// A policy decides when a free run is reported; the contract (R1 to R14) decides how.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/zone/detail/selection.h"

namespace fallow {

class Zone;

/// The frames that a policy wants reported: runs of aligned blocks of at least `order`; by default from all
/// free areas, of any mobility and of any age.
using Selection = detail::Selection;

/// The number of unreported free blocks of each order.
using UnreportedCounts = detail::UnreportedCounts;

/// One pass of the worker over one zone, as a policy uses it: the policy selects what is reported, and the
/// pass enforces the low watermark (R11).
class ReportingPass {
 public:
  /// Any number of requests.
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

  /// Returns the zone of the pass.
  Zone& zone() noexcept { return zone_; }
  /// Returns the maximum number of entries in a request.
  std::uint32_t capacity() const noexcept { return capacity_; }
  /// Returns true if the pass ignores the threshold: the device is new and existing pages count (R2), or the
  /// last pass failed (R7).
  bool ignore_threshold() const noexcept { return ignore_threshold_; }
  /// Returns whether the pass has left frames that the policy may want later: too young, not selected, or not
  /// fitting.
  bool left_something() const noexcept { return left_; }

  /// Reports what the selection matches, in at most `requests` requests. Returns false if the pass must end:
  /// the device failed or is being unregistered, or the zone is at its low watermark (R11).
  virtual bool report(const Selection& selection, std::uint64_t requests) noexcept = 0;

  /// Returns whether at least `above` frames more than the low watermark are free. If not, the pass ends: the
  /// zone is short of frames, and its next pass runs once that many are free.
  virtual bool require(PfnCount above) noexcept = 0;

  /// Counts the unreported free blocks of each order from `order` on. O(blocks that may hold something to
  /// report).
  virtual UnreportedCounts count_unreported(Order order) const noexcept = 0;

  /// Moves the clock of the zone's ages to the present time, in ticks of this length. Selection::min_age
  /// counts these ticks.
  virtual void advance_ages(Nanoseconds tick) noexcept = 0;

 protected:
  /// @cond
  // For the pass of the reporter, which is internal.
  ReportingPass(Zone& zone, std::uint32_t capacity, bool ignore_threshold) noexcept
      : zone_(zone), capacity_(capacity), ignore_threshold_(ignore_threshold) {}
  ~ReportingPass() = default;

  Zone& zone_;
  const std::uint32_t capacity_;
  const bool ignore_threshold_;
  bool left_ = false;
  /// @endcond
};

/// The next step for a zone after a pass.
enum class PassResult : std::uint8_t {
  Rest,   ///< The zone rests if credit() says that nothing is due.
  Again,  ///< Another pass runs after delay(): something is left that is not yet due.
};

/// The interface of a reporting policy. The reporter calls it from one thread at a time; one object may
/// serve several zones.
class Policy {
 public:
  /// Returns InvalidArgument if a parameter is out of its range.
  virtual Status validate() const noexcept = 0;

  /// Returns the order of the smallest block that the policy reports.
  virtual Order order() const noexcept = 0;

  /// Returns the delay from the trigger to the first pass, and from a pass that left something to the next
  /// pass.
  virtual Nanoseconds delay() const noexcept = 0;

  /// Returns how many blocks of order() or more may become free before something is due; 0 or less if
  /// something is due already.
  virtual std::int64_t credit(const UnreportedCounts& counts) const noexcept = 0;

  /// Runs one pass over one zone.
  virtual PassResult pass(ReportingPass& pass) noexcept = 0;

 protected:
  ~Policy() = default;
};

}  // namespace fallow
