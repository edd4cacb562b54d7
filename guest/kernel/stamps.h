// Marks in every frame, at several places in the page: whoever owns a frame writes them and reads them, so
// that a frame with two owners, or one that the device took while it was in use, shows.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"
#include "guest/kernel/guest_errors.h"
#include "guest/kernel/machine.h"

namespace fallow::guest {

// Any CPU, for frames that it owns.
class Stamps {
 public:
  Stamps(Machine& machine, GuestErrors& findings, std::uint64_t seed) noexcept
      : machine_(machine), findings_(findings), seed_(seed) {}

  // `tag` tells this use of the frames from the last one.
  void write(Pfn first, PfnCount count, std::uint32_t tag) const noexcept;
  // Each frame whose marks are not those of `tag` is a finding; false if there was one.
  bool check(Pfn first, PfnCount count, std::uint32_t tag) const noexcept;

 private:
  // Words of a page: its ends, and two places of which no cache line or sector is at an end.
  static constexpr unsigned kPlaces[] = {0, 170, 341, 511};

  std::uint64_t value(Pfn pfn, std::uint32_t tag, unsigned place) const noexcept;
  std::uint64_t* words(Pfn pfn) const noexcept {
    return reinterpret_cast<std::uint64_t*>(machine_.at(address_of(pfn)));
  }

  Machine& machine_;
  GuestErrors& findings_;
  const std::uint64_t seed_;
};

}  // namespace fallow::guest
