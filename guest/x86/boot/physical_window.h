// A window of physical memory, from which the tables of boot loaders and firmware are read. The tables are
// not trusted: every read is bounded by the window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

// Returns the little-endian integer at `offset`, or 0 if `bytes` does not contain it entirely.
template <class T>
T integer_at(std::span<const std::byte> bytes, std::size_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return 0;
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>(std::uint64_t{value} << 8 | std::to_integer<std::uint8_t>(bytes[offset + i]));
  }
  return value;
}

class PhysicalWindow {
 public:
  // `mapped_at` is the address at which window.begin is mapped.
  PhysicalWindow(MemoryRange window, std::uintptr_t mapped_at) : window_(window), mapped_at_(mapped_at) {}

  // Returns an empty span unless the window contains the whole range.
  std::span<const std::byte> bytes(std::uint64_t address, std::uint64_t size) const {
    if (address < window_.begin || address > window_.end || window_.end - address < size) return {};
    const std::uintptr_t at = mapped_at_ + static_cast<std::uintptr_t>(address - window_.begin);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a physical address is a number
    return {reinterpret_cast<const std::byte*>(at), static_cast<std::size_t>(size)};
  }

  // Returns 0 if the integer is outside the window.
  template <class T>
  T integer(std::uint64_t address) const {
    return integer_at<T>(bytes(address, sizeof(T)), 0);
  }

 private:
  MemoryRange window_;
  std::uintptr_t mapped_at_;
};

// True if the bytes sum to 0 modulo 256, the checksum of firmware tables.
inline bool sums_to_zero(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += std::to_integer<unsigned>(b);
  return (sum & 0xff) == 0;
}

// True if `bytes` begins with the characters of `word`.
inline bool begins_with(std::span<const std::byte> bytes, StringRef word) {
  if (bytes.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (static_cast<char>(bytes[i]) != word[i]) return false;
  }
  return true;
}

}  // namespace fallow::guest::x86
