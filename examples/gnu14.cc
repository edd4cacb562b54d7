// g++ -std=gnu++14 gnu14.cc -o gnu14 $(pkg-config --cflags --libs fallow-host)
//
// Fallow in older C++, through the interface of C: buffers that free themselves, and whose memory goes back.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "fallow/c/fallow.h"

static char* memory;  // 32 MiB; frame 0 is its first
constexpr uint64_t kFrames = 8192, kBytes = kFrames * FALLOW_FRAME_SIZE;

static char* address(uint64_t pfn) { return memory + pfn * FALLOW_FRAME_SIZE; }

static fallow_status release(fallow_page_reporting_dev_info*, const fallow_scatterlist* sg, uint32_t,
                             uint32_t) {
  for (; sg != nullptr; sg = fallow_sg_next(sg))
    if (madvise(address(sg->pfn), sg->nr_pages * FALLOW_FRAME_SIZE, MADV_DONTNEED) != 0) return FALLOW_FAILED;
  return FALLOW_OK;
}

static uint64_t now(void*) {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(time / std::chrono::nanoseconds(1));
}

struct FreeBuffer {
  fallow_cache* cache;
  void operator()(char* buffer) const {
    fallow_free(cache, static_cast<uint64_t>(buffer - memory) / FALLOW_FRAME_SIZE, 4);
  }
};
using Buffer = std::unique_ptr<char, FreeBuffer>;

// A buffer of 64 KiB; null if none is free.
static Buffer make_buffer(fallow_cache* cache) {
  const fallow_allocation a = fallow_allocate(cache, 4, FALLOW_MOVABLE);
  return Buffer(a.status == FALLOW_OK ? address(a.pfn) : nullptr, FreeBuffer{cache});
}

static long resident_mib() {
  std::vector<unsigned char> pages(kFrames);
  mincore(memory, kBytes, pages.data());
  return std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return page & 1; }) / 256;
}

int main() {
  void* const pages = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return 1;
  memory = static_cast<char*>(pages);
  fallow_port port{};
  port.now = now;
  const fallow_zone_config config{0, kFrames, 1, 0};
  std::vector<char> tables(fallow_zone_size(&config));
  fallow_zone* zone = nullptr;
  if (fallow_zone_create(&port, &config, tables.data(), tables.size(), &zone) != FALLOW_OK) return 1;
  std::vector<Buffer> buffers;
  while (Buffer buffer = make_buffer(fallow_zone_cache(zone, 0))) {
    for (unsigned i = 0; i < 16; ++i) buffer.get()[i * FALLOW_FRAME_SIZE] = 1;
    buffers.push_back(std::move(buffer));
  }
  std::printf("%zu buffers: %ld MiB are resident\n", buffers.size(), resident_mib());
  buffers.resize(buffers.size() / 4);
  fallow_cache_retire(fallow_zone_cache(zone, 0));

  const fallow_reporter_config zones{&zone, 1, 0, 0};
  std::vector<char> state(fallow_reporter_size(&zones));
  fallow_reporter* reporter = nullptr;
  if (fallow_reporter_create(&port, &zones, state.data(), state.size(), &reporter) != FALLOW_OK) return 1;
  fallow_page_reporting_dev_info device{};
  device.report = release;
  device.capacity = 32;
  if (fallow_page_reporting_register(reporter, &device, "hwm:1") != FALLOW_OK) return 1;
  while (fallow_reporter_run(reporter) <= now(nullptr)) continue;
  std::printf("%zu buffers: %ld MiB are resident\n", buffers.size(), resident_mib());
  return fallow_page_reporting_unregister(reporter, &device) == FALLOW_OK ? 0 : 1;
}
