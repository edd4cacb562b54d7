// The interface of a reporting device: a consumer of free page frames.
#pragma once

#include <cstdint>

#include "fallow/base/memory_backing.h"
#include "fallow/base/scatterlist.h"
#include "fallow/base/status.h"

namespace fallow {

/// A request's token consists of a slot, below depth(), in its low bits and a generation above. No two
/// requests in flight share a slot, and a token repeats only after 2^16 requests.
inline constexpr unsigned kSlotBits = 16;
/// The number of slots, and so of requests in flight, that a token can name.
inline constexpr std::uint32_t kMaxDepth = std::uint32_t{1} << kSlotBits;
/// Returns the slot of a token.
constexpr std::uint32_t slot_of(std::uint32_t token) { return token % kMaxDepth; }

/// Receives the free runs that a reporter isolates. The device must outlive its registration.
class ReportingDevice {
 public:
  /// Takes one request, named by `token` (see slot_of()). The allocator cannot reach the frames until
  /// report() returns (R6), or, if it returns Pending, until Reporter::complete(token).
  ///
  /// The answer decides what happens to the frames. Ok: the device took them. ContentUnknown: the device
  /// took them, but content_after() no longer holds for these frames or for any other (R12). Any other
  /// status means that the device did not take them: they return unreported and are retried later (R7).
  ///
  /// Called by the worker, with at most depth() requests in flight. Must not call
  /// Reporter::unregister_device().
  virtual Status report(Scatterlist list, std::uint32_t token) noexcept = 0;

  /// Returns the maximum number of entries in a request; at least 1 (R1).
  virtual std::uint32_t capacity() const noexcept = 0;

  /// Returns the maximum number of requests in flight, at most kMaxDepth. Only a device that answers Pending
  /// may return more than 1 (R13).
  virtual std::uint32_t depth() const noexcept { return 1; }

  /// Returns what a reported frame reads as, until it is written.
  virtual Content content_after() const noexcept { return Content::Unknown; }

 protected:
  ~ReportingDevice() = default;
};

}  // namespace fallow
