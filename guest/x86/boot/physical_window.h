// The physical memory that tables of loaders and firmware are read from. Those tables are not ours: every
// read is bounded by the window, and what lies outside is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

// A little-endian integer somewhere in `bytes`; 0 if it does not lie in them as a whole.
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
  // Where address `begin` of the window is mapped.
  PhysicalWindow(MemoryRange window, std::uintptr_t mapped_at) : window_(window), mapped_at_(mapped_at) {}

  // Empty if not all of it is in the window.
  std::span<const std::byte> bytes(std::uint64_t address, std::uint64_t size) const {
    if (address < window_.begin || address > window_.end || window_.end - address < size) return {};
    const std::uintptr_t at = mapped_at_ + static_cast<std::uintptr_t>(address - window_.begin);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a physical address is a number
    return {reinterpret_cast<const std::byte*>(at), static_cast<std::size_t>(size)};
  }

  // 0 if it is not in the window.
  template <class T>
  T integer(std::uint64_t address) const {
    return integer_at<T>(bytes(address, sizeof(T)), 0);
  }

 private:
  MemoryRange window_;
  std::uintptr_t mapped_at_;
};

// Whether the sum of all bytes is 0 modulo 256, as firmware has it.
inline bool sums_to_zero(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += std::to_integer<unsigned>(b);
  return (sum & 0xff) == 0;
}

// Whether `bytes` begin with the characters of `word`.
inline bool begins_with(std::span<const std::byte> bytes, StringRef word) {
  if (bytes.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (static_cast<char>(bytes[i]) != word[i]) return false;
  }
  return true;
}

}  // namespace fallow::guest::x86
