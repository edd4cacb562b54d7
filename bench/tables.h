// Memory for the tables of a zone.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace fallow::bench {

// Zero-filled memory. `how` is MAP_POPULATE, so that no page fault is measured, or MAP_NORESERVE for address
// space that stays unbacked until touched.
class Tables {
 public:
  explicit Tables(std::size_t size, int how = MAP_POPULATE)
      : size_(size),
        memory_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | how, -1, 0)) {
    if (memory_ != MAP_FAILED) return;
    std::perror("no memory for the tables");
    std::exit(1);
  }
  ~Tables() { ::munmap(memory_, size_); }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  std::span<std::byte> span() const { return {static_cast<std::byte*>(memory_), size_}; }
  // Zeroes the memory, as a new zone requires.
  void clear() { std::memset(memory_, 0, size_); }

 private:
  const std::size_t size_;
  void* const memory_;
};

}  // namespace fallow::bench
