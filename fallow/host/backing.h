// A backing: the host memory that stands for a range of page frames.
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

// What discard() did so far. Counts may run ahead of each other by the calls under way.
struct DiscardCounts {
  std::uint64_t calls = 0;     // system calls that released something: several runs at once, where that goes
  PfnCount frames;             // released by them
  std::uint64_t retries = 0;   // calls that the kernel asked to repeat (EINTR, EAGAIN)
  std::uint64_t failures = 0;  // discards given up, with last_error() saying why
  std::uint64_t refused = 0;   // discards not inside the backing, or not of whole host pages: nothing touched
};

// Frames [first(), first() + size()) lie one after the other from address(first()). Any number of threads
// may use all members at once.
class Backing : public MemoryBacking {
 public:
  virtual ~Backing() = default;
  Backing(const Backing&) = delete;
  Backing& operator=(const Backing&) = delete;

  static constexpr std::size_t kTogether = 64;  // runs

  Pfn first() const noexcept { return first_; }
  PfnCount size() const noexcept { return size_; }

  // Whether all of the n frames from p lie in the backing.
  bool contains(Pfn p, PfnCount n) const noexcept {
    return p >= first_ && p - first_ <= size_ && n <= size_ - (p - first_);
  }

  // The first byte of a frame, which must be one of the backing.
  std::byte* address(Pfn p) const noexcept {
    FALLOW_CHECK(contains(p, PfnCount{1}));
    return memory_ + bytes(p - first_).raw;
  }

  // Gives the frames back to the host, in one system call at most; what they read as afterwards says
  // promise(). OutsideZone: not wholly inside the backing, or no frame at all. Misaligned: not whole host
  // pages. No byte was touched then. Failed: the kernel refused, last_error() says why; a part may have been
  // released.
  Status discard(Pfn first, PfnCount n) noexcept final;

  // Up to kTogether runs in one system call, where the kernel takes them.
  void discard_all(std::span<const ScatterEntry> runs, Status* answers) noexcept final;

  // Brings in what is swapped out (MADV_WILLNEED), without waiting for it. Frames that were discarded stay
  // so until they are touched: which of them will be, nobody knows. OutsideZone as above; Failed: the kernel
  // does not take the advice.
  Status populate(Pfn first, PfnCount n) noexcept final;

  // How many frames the host keeps in memory at present, as the kernel says. Failed: it does not say.
  Result<PfnCount> resident() noexcept override = 0;

  // What a discarded frame reads as, until somebody writes it.
  Content content_after() const noexcept override { return Content::Zero; }

  PfnCount page() const noexcept final { return page_; }

  DiscardCounts counts() const noexcept;

  // The errno of the last discard or residency reading that failed; 0 if none did.
  int last_error() const noexcept { return last_error_.load(std::memory_order_relaxed); }

  // last_error() of a discard in words: the call, its error, the usual cause, and what to do about it.
  std::string release_error() const { return detail::release_error_text(release_call(), last_error()); }

 protected:
  // `page` as page() says; both `first` and `size` are multiples of it.
  Backing(Pfn first, PfnCount size, PfnCount page = {1}) noexcept : first_(first), size_(size), page_(page) {
    FALLOW_CHECK(whole_pages(first, size));
  }

  // Called once, by the creation of what derives from this.
  void set_memory(std::byte* memory) noexcept { memory_ = memory; }
  std::byte* memory() const noexcept { return memory_; }

  void set_error(int error) noexcept { last_error_.store(error, std::memory_order_relaxed); }

  // One attempt to release the first of several runs in one system call, at most kTogether of them, all whole
  // host pages and inside the backing. How many it released.
  virtual std::size_t release_first(std::span<const ScatterEntry>) noexcept { return 0; }
  // Whether it may release more than one.
  virtual bool releases_together() const noexcept { return false; }

  // The system call that releases, with its mode, as errors name it.
  virtual const char* release_call() const noexcept { return "fallocate(FALLOC_FL_PUNCH_HOLE)"; }

  // One attempt to release `length` bytes at `offset` from the start, both whole host pages and inside the
  // backing: 0 or the errno.
  virtual int release(ByteCount offset, ByteCount length) noexcept = 0;

 private:
  std::size_t discard_first(std::span<const ScatterEntry> runs) noexcept;
  bool whole_pages(Pfn p, PfnCount n) const noexcept { return ((p.raw | n.raw) & (page_.raw - 1)) == 0; }

  Pfn first_;
  PfnCount size_, page_;
  std::byte* memory_ = nullptr;
  // Counts order nothing, hence relaxed throughout.
  std::atomic<std::uint64_t> calls_{0}, frames_{0}, retries_{0}, failures_{0}, refused_{0};
  std::atomic<int> last_error_{0};
};

}  // namespace fallow
