// A backing of shared memory in a memory file, which another process can map too.
#pragma once

#include "fallow/host/backing.h"
#include "fallow/host/expected.h"

namespace fallow {

class MemfdBacking final : public Backing {
 public:
  enum class Pages : std::uint8_t {
    Small,  // of 4 KiB
    Huge,   // of 2 MiB, out of the machine's pool (/proc/sys/vm/nr_hugepages)
  };

  // Memory is taken when a frame is first touched, by whichever process. The file's size is sealed. Huge
  // pages: `first` and `size` are multiples of 512, and all of `size` is set aside from the pool at once.
  static Expected<MemfdBacking> create(Pfn first, PfnCount size, Pages pages = Pages::Small);
  ~MemfdBacking() override;

  // The file, for whoever is to share it: frame first() is at its offset 0. Stays the backing's.
  int fd() const noexcept { return fd_; }

  // The blocks of the file: one fstat, whatever the size. Counts what other processes touched, too, and
  // frames that are swapped out.
  Result<PfnCount> resident() noexcept override;

 private:
  static constexpr PfnCount kHugePage{512};

  MemfdBacking(Pfn first, PfnCount size, Pages pages) noexcept
      : Backing(first, size, pages == Pages::Huge ? kHugePage : PfnCount{1}) {}

  // Empty, or what failed.
  std::string open_and_map();
  int release(ByteCount offset, ByteCount length) noexcept override;

  int fd_ = -1;
};

}  // namespace fallow
