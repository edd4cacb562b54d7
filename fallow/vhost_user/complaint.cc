#include "fallow/vhost_user/complaint.h"

#include <cstdio>
#include <cstring>

namespace fallow {

void Complaint::say(const char* format, ...) noexcept {
  clear();
  std::va_list arguments;
  va_start(arguments, format);
  add_list(format, arguments);
  va_end(arguments);
}

void Complaint::add(const char* format, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, format);
  add_list(format, arguments);
  va_end(arguments);
}

void Complaint::add_list(const char* format, std::va_list arguments) noexcept {
  const std::size_t used = std::strlen(text_);
  static_cast<void>(std::vsnprintf(text_ + used, kRoom - used, format, arguments));
}

}  // namespace fallow
