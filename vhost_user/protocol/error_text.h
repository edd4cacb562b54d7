// An error message in a fixed buffer, so that serving a front-end allocates nothing.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace fallow::vhost {

class ErrorText {
 public:
  static constexpr std::size_t kCapacity = 512;  // longer text is truncated

  const char* text() const noexcept { return text_; }  // empty: no error
  bool empty() const noexcept { return text_[0] == '\0'; }
  void clear() noexcept { text_[0] = '\0'; }

  // Format as printf() does. set() replaces the text; append() continues it.
  [[gnu::format(printf, 2, 3)]] void set(const char* format, ...) noexcept;
  [[gnu::format(printf, 2, 3)]] void append(const char* format, ...) noexcept;
  [[gnu::format(printf, 2, 0)]] void append_list(const char* format, std::va_list arguments) noexcept;

 private:
  char text_[kCapacity] = {};
};

}  // namespace fallow::vhost
