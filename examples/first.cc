#include <cstdio>
#include <thread>
#include <vector>

#include "fallow/host.h"
using namespace fallow;

int main() {
  MemoryOptions options;
  options.size = PfnCount{65536};  // 256 MiB in pages of 4 KiB
  const auto memory = Memory::create(options);
  if (!memory) return std::fprintf(stderr, "%s\n", memory.error.c_str()), 1;

  std::vector<Pfn> pages;
  for (Allocation a = memory.object->allocate(); a.ok(); a = memory.object->allocate()) {
    pages.push_back(a.pfn);
    *memory.object->address(a.pfn) = std::byte{1};
  }
  std::printf("in use: the system holds %lu MiB\n", memory.object->resident().value().raw / 256);
  for (const Pfn page : pages) {
    const Status status = memory.object->free(page);
    if (status != Status::Ok) std::puts(describe(status));  // a double free is refused, and says so
  }
  memory.object->drain();
  while (memory.object->resident().value().raw != 0) std::this_thread::yield();  // 100 ms
  std::printf("free: the system holds nothing\n");
}
