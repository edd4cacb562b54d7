#include "guest/kernel/stamps.h"

#include "guest/kernel/random.h"

namespace fallow::guest {

// Never 0, which is what a frame holds that the host has taken.
std::uint64_t Stamps::value(Pfn pfn, std::uint32_t tag, unsigned place) const noexcept {
  return (mixed(seed_ ^ (std::uint64_t{tag} << 40) ^ pfn.raw) + place * 2) | 1;
}

void Stamps::write(Pfn first, PfnCount count, std::uint32_t tag) const noexcept {
  for (Pfn pfn = first; pfn < first + count; pfn = pfn + PfnCount{1}) {
    std::uint64_t* const page = words(pfn);
    for (const unsigned place : kPlaces) page[place] = value(pfn, tag, place);
  }
}

bool Stamps::check(Pfn first, PfnCount count, std::uint32_t tag) const noexcept {
  bool right = true;
  for (Pfn pfn = first; pfn < first + count; pfn = pfn + PfnCount{1}) {
    const std::uint64_t* const page = words(pfn);
    for (const unsigned place : kPlaces) {
      const std::uint64_t expected = value(pfn, tag, place);
      if (page[place] == expected) continue;
      findings_.corrupted(pfn, expected, page[place]);
      right = false;
      break;
    }
  }
  return right;
}

}  // namespace fallow::guest
