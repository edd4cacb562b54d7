#include "guest/kernel/stamps.h"

#include "guest/kernel/random.h"

namespace fallow::guest {

// Never 0, because a frame that the host has discarded reads as 0.
std::uint64_t Stamps::value(Pfn pfn, std::uint32_t tag, unsigned index) const noexcept {
  return (mixed(seed_ ^ (std::uint64_t{tag} << 40) ^ pfn.raw) + index * 2) | 1;
}

void Stamps::write(Pfn first, PfnCount count, std::uint32_t tag) const noexcept {
  for (Pfn pfn = first; pfn < first + count; pfn = pfn + PfnCount{1}) {
    std::uint64_t* const page = words(pfn);
    for (const unsigned index : kWordIndexes) page[index] = value(pfn, tag, index);
  }
}

bool Stamps::check(Pfn first, PfnCount count, std::uint32_t tag) const noexcept {
  bool right = true;
  for (Pfn pfn = first; pfn < first + count; pfn = pfn + PfnCount{1}) {
    const std::uint64_t* const page = words(pfn);
    for (const unsigned index : kWordIndexes) {
      const std::uint64_t expected = value(pfn, tag, index);
      if (page[index] == expected) continue;
      errors_.corrupted(pfn, expected, page[index]);
      right = false;
      break;
    }
  }
  return right;
}

}  // namespace fallow::guest
