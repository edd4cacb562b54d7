// A backing of a part of a memory file that belongs to somebody else: a guest's memory, shared by its
// monitor.
#pragma once

#include <memory>

#include "fallow/host/backing.h"
#include "fallow/host/detail/guarded_mapping.h"
#include "fallow/host/expected.h"

namespace fallow {

// Frame n stands for the bytes from n * 4096 on of the file.
class FileBacking final : public Backing {
 public:
  // Takes `length` bytes from `offset` on, but no more than the file reaches, in whole host pages: size() may
  // be less than asked for. Fails for what is no memory file (a pipe, a directory, a file not open for
  // writing), for an offset that is not of whole host pages, and where the file does not reach. The
  // descriptor stays the caller's, and must stay open.
  static Expected<FileBacking> create(int fd, ByteCount offset, ByteCount length);

  // The file was shortened, and was touched there: the memory is not the guest's any more.
  bool lost() const noexcept { return mapping_->lost(); }

  // What of its part of the file is in memory, swapped out pages not counted. One system call for each 16
  // MiB.
  Result<PfnCount> resident() noexcept override;

 private:
  FileBacking(int fd, Pfn first, PfnCount size, PfnCount page,
              std::unique_ptr<detail::GuardedMapping> mapping) noexcept;

  int release(ByteCount offset, ByteCount length) noexcept override;

  int fd_;
  std::unique_ptr<detail::GuardedMapping> mapping_;
};

}  // namespace fallow
