// A view of characters. std::string_view is not available without a C library.
#pragma once

#include <concepts>
#include <cstddef>

namespace fallow::detail {

class StringRef {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  constexpr StringRef() = default;
  // Views the text up to the terminating null character. A null pointer is an empty text.
  constexpr StringRef(const char* text) : data_(text) {  // NOLINT(google-explicit-constructor)
    while (text != nullptr && text[size_] != '\0') ++size_;
  }
  constexpr StringRef(const char* data, std::size_t size) : data_(data), size_(size) {}
  // Views any contiguous string type, such as std::string or std::string_view.
  template <class String>
  requires requires(const String& c) {
    { c.data() } -> std::convertible_to<const char*>;
    { c.size() } -> std::convertible_to<std::size_t>;
  }
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr StringRef(const String& c) : data_(c.data()), size_(c.size()) {}

  constexpr const char* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const char* begin() const { return data_; }
  constexpr const char* end() const { return data_ + size_; }
  constexpr char operator[](std::size_t i) const { return data_[i]; }

  // The first `n` characters, and all characters from `n` on. Clamped to the end.
  constexpr StringRef first(std::size_t n) const { return {data_, n < size_ ? n : size_}; }
  constexpr StringRef from(std::size_t n) const {
    return n < size_ ? StringRef{data_ + n, size_ - n} : StringRef{};
  }

  // The index of the first `c`, or kNone.
  constexpr std::size_t find(char c) const {
    for (std::size_t i = 0; i < size_; ++i) {
      if (data_[i] == c) return i;
    }
    return kNone;
  }
  constexpr bool starts_with(StringRef head) const {
    return size_ >= head.size_ && first(head.size_) == head;
  }

  friend constexpr bool operator==(StringRef a, StringRef b) {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (a.data_[i] != b.data_[i]) return false;
    }
    return true;
  }

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fallow::detail
