// A backing of anonymous private memory.
#pragma once

#include "fallow/host/backing.h"
#include "fallow/host/expected.h"

namespace fallow {

struct AnonymousOptions {
  enum class Release : std::uint8_t {
    DontNeed,  // at once; reads as zero afterwards. Locked memory too, with Linux 5.18 and later
    Free,      // when the host needs the memory; reads as zero or as before. Fails for locked memory
  };
  enum class HugePages : std::uint8_t {
    Never,   // frames of 4 KiB, whatever the machine's setting
    Prefer,  // transparent huge pages where the machine's setting allows them
  };
  Pfn first;
  PfnCount size;
  Release release = Release::DontNeed;
  HugePages huge_pages = HugePages::Never;
};

// System calls: mmap, mprotect, process_madvise and madvise a few times; then madvise, and process_madvise of
// this process where it releases several runs at once (Linux 6.14 and later); mincore; munmap.
class AnonymousBacking final : public Backing {
 public:
  // Reserves address space only; a frame becomes resident when it is first touched. A frame whose number
  // is a multiple of 512 lies on a boundary of 2 MiB. The pages before and after the backing are guards.
  static Expected<AnonymousBacking> create(const AnonymousOptions& options);
  ~AnonymousBacking() override;

  // Measured: 0.3 to 3.3 ms for 2 GiB, the most where every second frame is resident. Frames released
  // with MADV_FREE count until the host has taken them, and with huge pages a part of one that was
  // discarded no longer counts although the host gets it only when the huge page is split. A frame that
  // was read and never written counts too, although it shares the host's page of zeroes.
  Result<PfnCount> resident() noexcept override;

  Content content_after() const noexcept override;

 private:
  explicit AnonymousBacking(const AnonymousOptions& options) noexcept;

  // Empty, or what failed.
  std::string map();
  std::string set_huge_pages();
  int advice() const noexcept;
  const char* release_call() const noexcept override;
  int release(ByteCount offset, ByteCount length) noexcept override;
  std::size_t release_first(std::span<const ScatterEntry> runs) noexcept override;
  bool releases_together() const noexcept override { return takes_lists_; }

  AnonymousOptions options_;
  const bool releases_locked_;  // the kernel knows MADV_DONTNEED_LOCKED
  const bool takes_lists_;      // the kernel releases several runs in one call
  void* reserved_ = nullptr;    // with the guards
  std::size_t reserved_size_ = 0;
};

}  // namespace fallow
