#include "tests/explore/engine/arena.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fallow::explore {

Arena the_arena;

void* Arena::allocate(std::size_t size, std::size_t alignment) {
  const std::size_t at = (used_ + alignment - 1) / alignment * alignment;
  if (at + size > kSize) {
    std::fprintf(stderr, "explore: the arena of %zu bytes is full\n", kSize);
    std::abort();
  }
  used_ = at + size;
  std::memset(bytes_ + at, 0, size);
  return bytes_ + at;
}

void Arena::clear() { used_ = saved_used_ = 0; }

void Arena::save() {
  std::memcpy(saved_, bytes_, used_);
  saved_used_ = used_;
}

void Arena::restore() {
  std::memcpy(bytes_, saved_, saved_used_);
  used_ = saved_used_;
}

}  // namespace fallow::explore
