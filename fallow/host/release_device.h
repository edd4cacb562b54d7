// The reporting device that releases what is reported to it straight from a backing.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "fallow/host/backing.h"
#include "fallow/host/expected.h"
#include "fallow/reporting/reporting_device.h"

namespace fallow {

// Readable at any time; may run ahead of each other by the request under way.
struct ReleaseCounts {
  std::uint64_t requests = 0;
  std::uint64_t entries = 0;
  std::uint64_t runs = 0;      // what the entries were joined to
  PfnCount frames;             // released
  std::uint64_t failures = 0;  // runs that the host did not release
  std::uint64_t refused = 0;   // requests with an entry outside the backing, or more than capacity()
};

class ReleaseDevice final : public ReportingDevice {
 public:
  // The backing must outlive the device. Fails for a capacity of 0 or one that memory does not suffice for.
  static Expected<ReleaseDevice> create(Backing& backing, std::uint32_t capacity);

  // Sorts and joins neighbouring entries, and discards the runs: allocates nothing. A request that is not
  // wholly inside the backing is refused with InvalidArgument before anything is released. Failed: the
  // host did not release some of it (Backing::last_error()); the rest is released all the same.
  Status report(Scatterlist list, std::uint32_t token) noexcept override;

  std::uint32_t capacity() const noexcept override { return capacity_; }
  Content content_after() const noexcept override { return backing_.content_after(); }

  ReleaseCounts counts() const noexcept;

 private:
  ReleaseDevice(Backing& backing, std::uint32_t capacity, std::unique_ptr<ScatterEntry[]> sorted) noexcept;

  bool acceptable(Scatterlist list) const noexcept;
  // The list as runs with gaps between them, in the order of their frames; valid until the next call.
  std::span<const ScatterEntry> join(Scatterlist list) noexcept;

  Backing& backing_;
  std::uint32_t capacity_;
  std::unique_ptr<ScatterEntry[]> sorted_;  // `capacity_` entries
  // Counts order nothing, hence relaxed throughout.
  std::atomic<std::uint64_t> requests_{0}, entries_{0}, runs_{0}, frames_{0}, failures_{0}, refused_{0};
};

}  // namespace fallow
