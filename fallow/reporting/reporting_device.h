// The interface of a reporting device: whoever can make use of page frames that nobody uses.
#pragma once

#include <cstdint>

#include "fallow/base/content.h"
#include "fallow/base/scatterlist.h"
#include "fallow/base/status.h"

namespace fallow {

// A request's token is a slot, below depth(), and above it a generation. No two requests in flight share a
// slot, and a token comes again only after 2^16 requests.
inline constexpr unsigned kSlotBits = 16;
inline constexpr std::uint32_t kMaxDepth = std::uint32_t{1} << kSlotBits;
constexpr std::uint32_t slot_of(std::uint32_t token) { return token % kMaxDepth; }

class ReportingDevice {
 public:
  // Takes one request. The frames are out of reach of the allocator until it returns (R6), or, when it
  // returns Pending, until Reporter::complete(token). NotPromised: taken like Ok, but the promise below holds
  // no more, for these frames nor for any other (R12). Any other status means that the device did not take
  // them: they go back unmarked and are tried again later (R7). Called by the worker, at most `depth()`
  // requests at a time. Must not call Reporter::unregister_device. `token` names the request: see slot_of().
  virtual Status report(Scatterlist list, std::uint32_t token) noexcept = 0;

  // The most entries a request may have; at least 1 (R1).
  virtual std::uint32_t capacity() const noexcept = 0;

  // The most requests in flight, at most kMaxDepth; more than 1 only for a device that answers Pending (R13).
  virtual std::uint32_t depth() const noexcept { return 1; }

  virtual Content content_after() const noexcept { return Content::Unknown; }

 protected:
  ~ReportingDevice() = default;
};

}  // namespace fallow
