// A policy decides when a free run is reported; the contract (R1 to R14) decides how.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/reporting/detail/zone_pass.h"
#include "fallow/zone/detail/isolation.h"

namespace fallow {

// What a pass over a zone asks for.
enum class Next : std::uint8_t {
  Look,   // rest, if there is nothing to do: credit() tells
  Again,  // another pass after delay(): there is something that is not yet due
};

// Called by the reporter, by one thread at a time; one object may serve several zones.
class Policy {
 public:
  // InvalidArgument if a parameter is out of its range.
  virtual Status validate() const noexcept = 0;

  // The smallest block it reports.
  virtual Order order() const noexcept = 0;

  // How long after the trigger the first pass runs, and the next one after a pass that left something.
  virtual Nanoseconds delay() const noexcept = 0;

  // How many blocks of order() or more may become free before there is something to do; 0 or less: there is.
  virtual std::int64_t credit(const detail::UnreportedCounts& counts) const noexcept = 0;

  // One pass over one zone.
  virtual Next pass(detail::ZonePass& zone_pass) noexcept = 0;

 protected:
  ~Policy() = default;
};

}  // namespace fallow
