// Text that is appended to a buffer of fixed size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/base/detail/string_ref.h"

namespace fallow::detail {

// Characters that do not fit are dropped, and full() returns true.
template <std::size_t kSize>
class FixedString {
 public:
  constexpr FixedString() = default;
  constexpr FixedString(StringRef text) { put(text); }  // NOLINT(google-explicit-constructor)

  constexpr StringRef text() const { return {data_, size_}; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr bool full() const { return full_; }

  // Truncates the text to `size` characters.
  constexpr void cut(std::size_t size) {
    size_ = size;
    full_ = false;
  }

  constexpr FixedString& put(char c) {
    if (size_ < kSize) {
      data_[size_++] = c;
    } else {
      full_ = true;
    }
    return *this;
  }
  constexpr FixedString& put(StringRef text) {
    for (const char c : text) put(c);
    return *this;
  }
  constexpr FixedString& number(std::uint64_t n) { return digits(n, 10); }
  constexpr FixedString& hex(std::uint64_t n) { return put("0x").digits(n, 16); }

 private:
  constexpr FixedString& digits(std::uint64_t n, unsigned base) {
    char reversed[20] = {};
    unsigned count = 0;
    do {
      reversed[count++] = "0123456789abcdef"[n % base];
      n /= base;
    } while (n != 0);
    while (count > 0) put(reversed[--count]);
    return *this;
  }

  char data_[kSize] = {};
  std::size_t size_ = 0;
  bool full_ = false;
};

}  // namespace fallow::detail
