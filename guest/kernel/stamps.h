// Stamps at several offsets of every frame. The owner of a frame writes and later checks them, which detects
// a frame with two owners and a frame that the device discarded while in use.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "guest/kernel/guest_errors.h"
#include "guest/kernel/machine.h"

namespace fallow::guest {

// Any CPU may call, for frames that it owns.
class Stamps {
 public:
  Stamps(Machine& machine, GuestErrors& errors, std::uint64_t seed) noexcept
      : machine_(machine), errors_(errors), seed_(seed) {}

  // Writes the stamps. `tag` distinguishes this use of the frames from the previous one.
  void write(Pfn first, PfnCount count, std::uint32_t tag) const noexcept;
  // Records each frame whose stamps do not match `tag` as corrupted; returns false if any did not match.
  bool check(Pfn first, PfnCount count, std::uint32_t tag) const noexcept;

 private:
  // Indexes of 8-byte words in a page: both ends, and two not at the edge of a cache line or sector.
  static constexpr unsigned kWordIndexes[] = {0, 170, 341, 511};

  std::uint64_t value(Pfn pfn, std::uint32_t tag, unsigned index) const noexcept;
  std::uint64_t* words(Pfn pfn) const noexcept {
    return reinterpret_cast<std::uint64_t*>(machine_.at(address_of(pfn)));
  }

  Machine& machine_;
  GuestErrors& errors_;
  const std::uint64_t seed_;
};

}  // namespace fallow::guest
