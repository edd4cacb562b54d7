// The explorer compiles the core as for ThreadSanitizer, whose runtime is not linked. These are the functions
// that such code calls before each non-atomic memory access.
#include <cstddef>
#include <cstdint>

#include "tests/explore/engine/engine.h"

namespace {

void read(const void* at, unsigned size) { fallow::explore::engine().plain(at, size, false, "a plain read"); }
void write(const void* at, unsigned size) {
  fallow::explore::engine().plain(at, size, true, "a plain write");
}

}  // namespace

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void** at) { read(at, 8); }
void __tsan_vptr_update(void** at, void*) { write(at, 8); }
void __tsan_read_range(void* at, std::size_t size) { read(at, static_cast<unsigned>(size)); }
void __tsan_write_range(void* at, std::size_t size) { write(at, static_cast<unsigned>(size)); }
#define FALLOW_PLAIN(bytes)                                        \
  void __tsan_read##bytes(void* at) { read(at, bytes); }           \
  void __tsan_write##bytes(void* at) { write(at, bytes); }         \
  void __tsan_unaligned_read##bytes(void* at) { read(at, bytes); } \
  void __tsan_unaligned_write##bytes(void* at) { write(at, bytes); }
FALLOW_PLAIN(1)
FALLOW_PLAIN(2)
FALLOW_PLAIN(4)
FALLOW_PLAIN(8)
FALLOW_PLAIN(16)
#undef FALLOW_PLAIN
}
