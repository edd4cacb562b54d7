// A policy decides when a free run is reported; the contract (R1 to R14) decides how.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/reporting/detail/zone_pass.h"
#include "fallow/zone/detail/isolation.h"

namespace fallow {

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
  virtual std::int64_t credit(const detail::UnreportedCounts& counts) const noexcept = 0;

  /// Runs one pass over one zone.
  virtual PassResult pass(detail::ZonePass& zone_pass) noexcept = 0;

 protected:
  ~Policy() = default;
};

}  // namespace fallow
