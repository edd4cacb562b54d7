// A sentence for the log, in room of its own: nothing is allocated while a front-end is served.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace fallow::vhost {

class ErrorText {
 public:
  static constexpr std::size_t kRoom = 512;  // what is longer is cut off

  const char* text() const noexcept { return text_; }  // empty: there is none
  bool empty() const noexcept { return text_[0] == '\0'; }
  void clear() noexcept { text_[0] = '\0'; }

  // As printf. Replaces what was said, or goes on after it.
  [[gnu::format(printf, 2, 3)]] void say(const char* format, ...) noexcept;
  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) noexcept;
  [[gnu::format(printf, 2, 0)]] void add_list(const char* format, std::va_list arguments) noexcept;

 private:
  char text_[kRoom] = {};
};

}  // namespace fallow::vhost
