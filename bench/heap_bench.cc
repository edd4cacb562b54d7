// Runs the patterns of pages_bench on the heap that this program is linked with: blocks of 4 KiB and 2 MiB, 1
// GiB in total. The memory is not written to.
#include <cstdlib>
#include <iostream>

#include "bench/pages_bench.h"

namespace fallow::bench {
namespace {

class HeapPages {
 public:
  using Block = void*;

  explicit HeapPages(std::uint64_t) {}
  // malloc() is faster than aligned_alloc() and leaves the placement to the heap.
  void* allocate(unsigned, unsigned order) {
    void* got = std::malloc(std::size_t{4096} << order);
    if (got == nullptr) [[unlikely]]
      std::abort();
    // Prevents the compiler from removing an allocation that is freed without use.
    asm volatile("" : : "r"(got) : "memory");
    return got;
  }
  void free(unsigned, void* block, unsigned) { std::free(block); }
  void settle(unsigned) {}
  void forget() {}
};

}  // namespace
}  // namespace fallow::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  fallow::bench::register_patterns<fallow::bench::HeapPages, 0, 9>(1 << 18);
  return fallow::bench::run_benchmarks(argc, argv);
}
