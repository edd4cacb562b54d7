// Reads the fuzzer input from the front, so that inputs can be written by hand. Reads beyond the end return
// 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace fallow {

class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size) : left_(data, size) {}
  bool empty() const { return left_.empty(); }

  std::uint8_t u8() { return take<std::uint8_t>(); }
  std::uint16_t u16() { return take<std::uint16_t>(); }  // little-endian, like the other functions
  std::uint32_t u32() { return take<std::uint32_t>(); }
  std::uint64_t u64() { return take<std::uint64_t>(); }
  // Returns at most `most` bytes, fewer at the end of the input.
  std::span<const std::uint8_t> bytes(std::size_t most) {
    const auto got = left_.first(std::min(most, left_.size()));
    left_ = left_.subspan(got.size());
    return got;
  }

 private:
  template <class T>
  T take() {
    T value = 0;
    const auto got = bytes(sizeof value);
    if (!got.empty()) std::memcpy(&value, got.data(), got.size());
    return value;
  }
  std::span<const std::uint8_t> left_;
};

}  // namespace fallow
