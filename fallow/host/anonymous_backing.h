// A backing of anonymous private memory.
#pragma once

#include "fallow/host/backing.h"
#include "fallow/host/expected.h"

namespace fallow {

/// What AnonymousBacking::create() makes.
struct AnonymousOptions {
  /// How the backing releases memory.
  enum class Release : std::uint8_t {
    DontNeed,  ///< At once; reads as zero. Works for locked memory from Linux 5.18 on.
    Free,      ///< When the host needs it; reads as zero or as before. Fails if locked.
  };
  /// Whether the backing uses transparent huge pages.
  enum class HugePages : std::uint8_t {
    Never,   ///< Pages of 4 KiB, whatever the machine's setting.
    Prefer,  ///< Transparent huge pages if the machine's setting allows them.
  };
  /// The number of the first frame.
  Pfn first;
  /// The number of frames, at least 1.
  PfnCount size;
  /// How discard() releases memory.
  Release release = Release::DontNeed;
  /// The page size to ask the machine for.
  HugePages huge_pages = HugePages::Never;
};

/// Anonymous private memory as a backing.
///
/// System calls: creation makes a few calls of mmap, mprotect, process_madvise and madvise. A release is an
/// madvise, or a process_madvise of this process for several runs at once (Linux 6.14 and later). resident()
/// is mincore; destruction is munmap.
class AnonymousBacking final : public Backing {
 public:
  /// Reserves address space only; a frame becomes resident when it is first touched. A frame whose number is
  /// a multiple of 512 lies on a boundary of 2 MiB. Guard pages lie before and after the backing. On
  /// failure, the error names the system call and the usual cause.
  static Expected<AnonymousBacking> create(const AnonymousOptions& options);
  ~AnonymousBacking() override;

  /// Counts the resident frames. Measured cost: 0.3 to 3.3 ms for 2 GiB, highest if every second frame is
  /// resident. Frames released with MADV_FREE count until the host has taken them. A discarded part of a
  /// huge page no longer counts, although the host gets the memory only when the huge page is split. A frame
  /// that was read and never written counts, although it shares the host's zero page.
  Result<PfnCount> resident() noexcept override;

  Content content_after() const noexcept override;

 private:
  explicit AnonymousBacking(const AnonymousOptions& options) noexcept;

  // Both return an error text, empty on success.
  std::string map();
  std::string set_huge_pages();
  int advice() const noexcept;
  const char* release_call() const noexcept override;
  int release(ByteCount offset, ByteCount length) noexcept override;
  std::size_t release_first(std::span<const ScatterEntry> runs) noexcept override;
  bool releases_together() const noexcept override { return takes_lists_; }

  AnonymousOptions options_;
  const bool releases_locked_;  // the kernel supports MADV_DONTNEED_LOCKED
  const bool takes_lists_;      // the kernel releases several runs in one call
  void* reserved_ = nullptr;    // includes the guard pages
  std::size_t reserved_size_ = 0;
};

}  // namespace fallow
