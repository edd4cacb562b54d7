// The bytes of a fuzzer's input, read from the front, so that inputs can be written by hand. Behind the end
// everything is 0.
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
  std::uint16_t u16() { return take<std::uint16_t>(); }  // little-endian, as the others
  std::uint32_t u32() { return take<std::uint32_t>(); }
  std::uint64_t u64() { return take<std::uint64_t>(); }
  // At most `most` bytes; fewer at the end.
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
