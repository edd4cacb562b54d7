#include "vhost_user/protocol/error_text.h"

#include <cstdio>
#include <cstring>

namespace fallow::vhost {

void ErrorText::say(const char* format, ...) noexcept {
  clear();
  std::va_list arguments;
  va_start(arguments, format);
  add_list(format, arguments);
  va_end(arguments);
}

void ErrorText::add(const char* format, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, format);
  add_list(format, arguments);
  va_end(arguments);
}

void ErrorText::add_list(const char* format, std::va_list arguments) noexcept {
  const std::size_t used = std::strlen(text_);
  static_cast<void>(std::vsnprintf(text_ + used, kRoom - used, format, arguments));
}

}  // namespace fallow::vhost
