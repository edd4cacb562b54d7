// A backing of part of a memory file that another process owns: a guest's memory, shared by its monitor.
#pragma once

#include <memory>

#include "fallow/host/backing.h"
#include "fallow/host/detail/guarded_mapping.h"
#include "fallow/host/expected.h"

namespace fallow {

/// Part of a memory file as a backing. Frame n stands for the 4096 bytes from n * 4096 on in the file.
class FileBacking final : public Backing {
 public:
  /// Maps `length` bytes from `offset` on, limited to the end of the file and rounded down to whole host
  /// pages: size() may be less than requested. Fails if the descriptor is not a writable memory file (a
  /// pipe, a directory, a file not open for writing), if `offset` is not a multiple of the host page, or if
  /// it lies beyond the end of the file. The descriptor stays the caller's, and must stay open.
  static Expected<FileBacking> create(int fd, ByteCount offset, ByteCount length);

  /// Returns true once the file was shortened and the missing part was touched: the memory is then no longer
  /// the guest's.
  bool lost() const noexcept { return mapping_->lost(); }

  /// Returns how much of the mapped part is in memory; swapped-out pages do not count. One system call for
  /// each 16 MiB.
  Result<PfnCount> resident() noexcept override;

 private:
  FileBacking(int fd, Pfn first, PfnCount size, PfnCount page,
              std::unique_ptr<detail::GuardedMapping> mapping) noexcept;

  int release(ByteCount offset, ByteCount length) noexcept override;

  int fd_;
  std::unique_ptr<detail::GuardedMapping> mapping_;
};

}  // namespace fallow
