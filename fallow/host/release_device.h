// A reporting device that releases reported frames directly from a backing.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "fallow/host/backing.h"
#include "fallow/host/expected.h"
#include "fallow/reporting/reporting_device.h"

namespace fallow {

/// Counters, readable at any time. They may differ from each other by the request under way.
struct ReleaseCounts {
  std::uint64_t requests = 0;  ///< Calls of report().
  std::uint64_t entries = 0;   ///< Entries in these requests.
  std::uint64_t runs = 0;      ///< Runs that remained after joining neighbouring entries.
  PfnCount frames;             ///< Frames released.
  std::uint64_t failures = 0;  ///< Runs that the host did not release.
  std::uint64_t refused = 0;   ///< Requests above capacity() or with an entry outside the backing.
};

/// Releases reported frames from a backing on the same machine.
class ReleaseDevice final : public ReportingDevice {
 public:
  /// The backing must outlive the device. Fails if the capacity is 0, or if memory does not suffice for it.
  static Expected<ReleaseDevice> create(Backing& backing, std::uint32_t capacity);

  /// Sorts and joins neighbouring entries, and discards the resulting runs; allocates nothing.
  /// InvalidArgument: an entry lies outside the backing; nothing was released. Failed: the host did not
  /// release some runs (Backing::last_error()); all others are released.
  Status report(Scatterlist list, std::uint32_t token) noexcept override;

  std::uint32_t capacity() const noexcept override { return capacity_; }
  Content content_after() const noexcept override { return backing_.content_after(); }

  /// Returns the counters. Any thread; lock-free.
  ReleaseCounts counts() const noexcept;

 private:
  ReleaseDevice(Backing& backing, std::uint32_t capacity, std::unique_ptr<ScatterEntry[]> sorted) noexcept;

  bool acceptable(Scatterlist list) const noexcept;
  // Returns the list as runs with gaps between them, in frame order; valid until the next call.
  std::span<const ScatterEntry> join(Scatterlist list) noexcept;

  Backing& backing_;
  std::uint32_t capacity_;
  std::unique_ptr<ScatterEntry[]> sorted_;  // `capacity_` entries
  // The counts order nothing, hence relaxed throughout.
  std::atomic<std::uint64_t> requests_{0}, entries_{0}, runs_{0}, frames_{0}, failures_{0}, refused_{0};
};

}  // namespace fallow
