// A zone over 64 MiB of anonymous memory, and a custom device that prints the batches that it receives and
// returns their frames to the operating system.
#include <cstdio>
#include <vector>

#include "fallow/host.h"

using namespace fallow;
class PrintingDevice final : public ReportingDevice {
 public:
  explicit PrintingDevice(Backing& backing) : backing_(backing) {}
  std::uint32_t capacity() const noexcept override { return 4; }

  Status report(Scatterlist list, std::uint32_t) noexcept override {
    std::printf("a batch of %zu:", list.size());
    for (const ScatterEntry& entry : list) {
      std::printf(" [%#lx +%lu%s]", entry.first.raw, entry.count.raw, entry.end ? ", end" : "");
      if (backing_.discard(entry.first, entry.count) != Status::Ok) return Status::Failed;
    }
    std::printf("\n");
    return Status::Ok;
  }

 private:
  Backing& backing_;
};

int main() {
  HostedPort port;
  const ZoneConfig config{.base = Pfn{0x1000}, .frames = PfnCount{16384}};
  const auto memory = AnonymousBacking::create({.first = config.base, .size = config.frames});
  const ByteCount size = Zone::metadata_size(config);
  void* const tables = port.allocate(size);  // lives as long as the program
  if (!memory || tables == nullptr) return 1;
  const auto made = Zone::create(port, config, {static_cast<std::byte*>(tables), size.raw});
  if (!made.ok()) return 1;
  LocalCache& cache = made.value()->cache(0);
  std::vector<Pfn> in_use;
  for (Allocation a = cache.allocate(); a.ok(); a = cache.allocate()) in_use.push_back(a.pfn);
  for (const Pfn pfn : in_use) *memory.object->address(pfn) = std::byte{1};
  std::printf("all frames in use: %lu MiB are resident\n", memory.object->resident().value().raw / 256);
  for (const Pfn pfn : in_use) {
    if (pfn.raw / 1024 % 2 == 0 && cache.free(pfn) != Status::Ok) return 1;  // every second 4 MiB
  }
  cache.retire();

  Zone* const zones[] = {made.value()};
  Reporter reporter(port, zones);
  PrintingDevice device(*memory.object);
  HwmPolicy policy(Order{9}, 1);  // as soon as one block of 2 MiB is free
  if (reporter.register_device(device, policy) != Status::Ok) return 1;
  while (reporter.run() <= port.now()) continue;  // or on a thread: port.start(worker_of(reporter))
  std::printf("half of them free: %lu MiB are resident\n", memory.object->resident().value().raw / 256);
  return reporter.unregister_device(device) == Status::Ok ? 0 : 1;
}
