#include "vhost_user/protocol/error_text.h"

#include <cstdio>
#include <cstring>

namespace fallow::vhost {

void ErrorText::set(const char* format, ...) noexcept {
  clear();
  std::va_list arguments;
  va_start(arguments, format);
  append_list(format, arguments);
  va_end(arguments);
}

void ErrorText::append(const char* format, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, format);
  append_list(format, arguments);
  va_end(arguments);
}

void ErrorText::append_list(const char* format, std::va_list arguments) noexcept {
  const std::size_t used = std::strlen(text_);
  static_cast<void>(std::vsnprintf(text_ + used, kCapacity - used, format, arguments));
}

}  // namespace fallow::vhost
