// 2 MiB of physical memory from address 0, in which tests build tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "guest/x86/boot/physical_window.h"

namespace fallow::guest::x86 {

class PhysicalMemory {
 public:
  static constexpr std::uint64_t kSize = 2 * 1024 * 1024;

  PhysicalWindow window() const {
    return PhysicalWindow({0, kSize}, reinterpret_cast<std::uintptr_t>(bytes_.data()));
  }

  template <class T>
  void put(std::uint64_t at, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_.at(at + i) = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff);
    }
  }
  void put_text(std::uint64_t at, std::string_view text) {
    for (const char c : text) bytes_.at(at++) = static_cast<std::byte>(c);
  }
  std::byte& operator[](std::uint64_t at) { return bytes_.at(at); }

  // Sets the byte at `checksum` so that the range sums to zero.
  void balance(std::uint64_t begin, std::uint64_t size, std::uint64_t checksum) {
    bytes_.at(checksum) = std::byte{0};
    unsigned sum = 0;
    for (std::uint64_t i = 0; i < size; ++i) sum += std::to_integer<unsigned>(bytes_.at(begin + i));
    bytes_.at(checksum) = static_cast<std::byte>(0 - sum);
  }

  // Overwrites `count` random bytes of the range.
  void spoil(std::uint64_t begin, std::uint64_t size, unsigned count, std::mt19937_64& random) {
    for (unsigned i = 0; i < count; ++i)
      bytes_.at(begin + random() % size) = static_cast<std::byte>(random());
  }

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(kSize);
};

}  // namespace fallow::guest::x86
