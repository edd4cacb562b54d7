// The functions that a compiler expects in every program.
#include <cstddef>

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) {
  void* const begin = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return begin;
}

void* memset(void* to, int value, std::size_t size) {
  void* const begin = to;
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return begin;
}

void* memmove(void* to, const void* from, std::size_t size) {
  auto* const t = static_cast<unsigned char*>(to);
  const auto* const f = static_cast<const unsigned char*>(from);
  if (t <= f || t >= f + size) return memcpy(to, from, size);
  for (std::size_t i = size; i-- > 0;) {
    t[i] = f[i];
    asm volatile("" : : : "memory");  // keeps the compiler from turning the loop into memmove
  }
  return to;
}

int memcmp(const void* left, const void* right, std::size_t size) {
  const auto* const l = static_cast<const unsigned char*>(left);
  const auto* const r = static_cast<const unsigned char*>(right);
  for (std::size_t i = 0; i < size; ++i) {
    if (l[i] != r[i]) return l[i] < r[i] ? -1 : 1;
    asm volatile("" : : : "memory");
  }
  return 0;
}
}
