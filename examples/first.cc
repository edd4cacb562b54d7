#include <cstdio>
#include <vector>

#include "fallow/host.h"
using namespace fallow;

int main() {
  HostedPort port;                                         // time, memory, a thread for the worker
  const ZoneConfig config{.base = {}, .frames = {65536}};  // 256 MiB in pages of 4 KiB
  const auto memory = AnonymousBacking::create({.first = {}, .size = config.frames});
  const ByteCount size = Zone::metadata_size(config);
  void* const tables = port.allocate(size);
  if (!memory || tables == nullptr) return 1;  // memory.error says why
  const std::span metadata(static_cast<std::byte*>(tables), size.raw);
  Zone* const zone = Zone::create(port, config, metadata).value();
  const auto device = ReleaseDevice::create(*memory.object, 32);  // returns unused pages
  Reporter reporter(port, {&zone, 1});
  if (!device || reporter.register_device(*device.object) != Status::Ok) return 1;
  if (port.start(worker_of(reporter)) != Status::Ok) return 1;

  LocalCache& cache = zone->cache(0);  // one for each thread
  std::vector<Pfn> pages;
  for (Allocation a = cache.allocate(); a.ok(); a = cache.allocate()) pages.push_back(a.pfn);
  for (const Pfn page : pages) *memory.object->address(page) = std::byte{1};
  std::printf("in use: the system holds %lu MiB\n", memory.object->resident().value().raw / 256);
  for (const Pfn page : pages) static_cast<void>(cache.free(page));  // a double free is refused
  cache.retire();
  while (memory.object->resident().value().raw != 0) port.relax();  // for 100 ms
  std::printf("free: the system holds nothing\n");
  port.stop();  // before the reporter, which the worker's thread uses
  return reporter.unregister_device(*device.object) == Status::Ok ? 0 : 1;
}
