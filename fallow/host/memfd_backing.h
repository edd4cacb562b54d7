// A backing of shared memory in a memfd, which other processes can map too.
#pragma once

#include "fallow/host/backing.h"
#include "fallow/host/expected.h"

namespace fallow {

/// Shared memory in a memfd as a backing.
class MemfdBacking final : public Backing {
 public:
  /// The page size of the file.
  enum class Pages : std::uint8_t {
    Small,  ///< 4 KiB.
    Huge,   ///< 2 MiB, from the machine's pool (/proc/sys/vm/nr_hugepages).
  };

  /// Creates and maps the file. The host allocates a frame when any process first touches it. The file's
  /// size is sealed. For huge pages, `first` and `size` must be multiples of 512, and all of `size` is
  /// reserved from the pool at once.
  static Expected<MemfdBacking> create(Pfn first, PfnCount size, Pages pages = Pages::Small);
  ~MemfdBacking() override;

  /// Returns the file, to share it with another process: frame first() is at offset 0. The backing keeps
  /// ownership.
  int fd() const noexcept { return fd_; }

  /// Counts the blocks of the file: one fstat, whatever the size. Includes frames that other processes
  /// touched and frames that are swapped out.
  Result<PfnCount> resident() noexcept override;

 private:
  static constexpr PfnCount kHugePage{512};

  MemfdBacking(Pfn first, PfnCount size, Pages pages) noexcept
      : Backing(first, size, pages == Pages::Huge ? kHugePage : PfnCount{1}) {}

  // Returns an error text, empty on success.
  std::string open_and_map();
  int release(ByteCount offset, ByteCount length) noexcept override;

  int fd_ = -1;
};

}  // namespace fallow
