// A backing: the host memory behind a range of page frames.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "fallow/base/check.h"
#include "fallow/base/memory_backing.h"
#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/host/detail/release_error.h"
#include "fallow/reporting/reporting_device.h"

namespace fallow {

/// The counts of discard() so far. The counts may differ from each other by the calls under way.
struct DiscardCounts {
  std::uint64_t calls = 0;     ///< System calls that released memory; one call may release several runs.
  PfnCount frames;             ///< Frames released by these calls.
  std::uint64_t retries = 0;   ///< Calls that the kernel asked to repeat (EINTR, EAGAIN).
  std::uint64_t failures = 0;  ///< Discards that failed; last_error() holds the reason.
  std::uint64_t refused = 0;   ///< Discards outside the backing or not of whole pages; nothing touched.
};

/// Host memory for the frames [first(), first() + size()), contiguous from address(first()). Any number of
/// threads may call all members at once.
class Backing : public MemoryBacking {
 public:
  virtual ~Backing() = default;
  Backing(const Backing&) = delete;
  Backing& operator=(const Backing&) = delete;

  /// The maximum number of runs that one system call releases.
  static constexpr std::size_t kTogether = 64;

  /// The number of the first frame.
  Pfn first() const noexcept { return first_; }
  /// The number of frames.
  PfnCount size() const noexcept { return size_; }

  /// Returns whether all of the n frames from p on lie in the backing.
  bool contains(Pfn p, PfnCount n) const noexcept {
    return p >= first_ && p - first_ <= size_ && n <= size_ - (p - first_);
  }

  /// Returns the address of a frame's first byte. The frame must lie in the backing.
  std::byte* address(Pfn p) const noexcept {
    FALLOW_REQUIRE(contains(p, PfnCount{1}),
                   "Backing::address(): the frame is outside the backing; ask contains() first");
    return memory_ + bytes(p - first_).raw;
  }

  /// Gives the frames back to the host, in one system call at most, plus retries that the kernel asks for.
  /// content_after() says what they read as afterwards. OutsideZone: the range is empty, or not wholly
  /// inside the backing; Misaligned: not whole host pages; nothing was touched in either case. Failed: the
  /// kernel refused, and last_error() holds the reason; a part may have been released.
  Status discard(Pfn first, PfnCount n) noexcept final;

  /// Discards several runs, up to kTogether of them in one system call if the kernel supports this.
  void discard_all(std::span<const ScatterEntry> runs, Status* answers) noexcept final;

  /// Reads in what is swapped out (MADV_WILLNEED), without waiting. Discarded frames stay discarded until
  /// they are touched, because nothing tells which of them will be. OutsideZone: as for discard(). Failed:
  /// the kernel rejects the advice.
  Status populate(Pfn first, PfnCount n) noexcept final;

  /// Returns how many frames the host keeps in memory at present. Failed: the kernel does not tell.
  Result<PfnCount> resident() noexcept override = 0;

  /// Returns what a discarded frame reads as, until it is written.
  Content content_after() const noexcept override { return Content::Zero; }

  PfnCount page() const noexcept final { return page_; }

  /// Returns the counters. Any thread; lock-free.
  DiscardCounts counts() const noexcept;

  /// Returns the errno of the last discard or residency reading that failed; 0 if none failed.
  int last_error() const noexcept { return last_error_.load(std::memory_order_relaxed); }

  /// Describes last_error() of a discard: the call, its error, the usual cause, and what to do about it.
  std::string release_error() const { return detail::release_error_text(release_call(), last_error()); }

 protected:
  /// `page` is what page() returns; `first` and `size` must be multiples of it.
  Backing(Pfn first, PfnCount size, PfnCount page = {1}) noexcept : first_(first), size_(size), page_(page) {
    FALLOW_REQUIRE(page.raw != 0 && (page.raw & (page.raw - 1)) == 0 && whole_pages(first, size),
                   "Backing(): round `first` and `size` to multiples of `page`, a power of two");
  }

  /// Sets the start of the memory. The derived class calls it once, during creation.
  void set_memory(std::byte* memory) noexcept { memory_ = memory; }
  /// Returns the address of the first frame; null before set_memory().
  std::byte* memory() const noexcept { return memory_; }

  /// Records the errno that last_error() returns.
  void set_error(int error) noexcept { last_error_.store(error, std::memory_order_relaxed); }

  /// Attempts to release the first of several runs in one system call: at most kTogether runs, all of whole
  /// host pages and inside the backing. Returns how many runs were released.
  virtual std::size_t release_first(std::span<const ScatterEntry>) noexcept { return 0; }
  /// Returns whether release_first() may release more than one run.
  virtual bool releases_together() const noexcept { return false; }

  /// Returns the system call that releases, with its mode, as errors name it.
  virtual const char* release_call() const noexcept { return "fallocate(FALLOC_FL_PUNCH_HOLE)"; }

  /// Attempts once to release `length` bytes at `offset` from the start, both whole host pages and inside
  /// the backing. Returns 0 or the errno.
  virtual int release(ByteCount offset, ByteCount length) noexcept = 0;

 private:
  std::size_t discard_first(std::span<const ScatterEntry> runs) noexcept;
  bool whole_pages(Pfn p, PfnCount n) const noexcept { return ((p.raw | n.raw) & (page_.raw - 1)) == 0; }

  Pfn first_;
  PfnCount size_, page_;
  std::byte* memory_ = nullptr;
  // The counts order nothing, hence relaxed throughout.
  std::atomic<std::uint64_t> calls_{0}, frames_{0}, retries_{0}, failures_{0}, refused_{0};
  std::atomic<int> last_error_{0};
};

}  // namespace fallow
