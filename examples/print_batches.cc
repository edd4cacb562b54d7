// 64 MiB of memory, and a device of the program's own that prints the batches of unused frames that it
// receives and returns the frames to the operating system.
#include <chrono>
#include <cstdio>
#include <thread>
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
  MemoryOptions options;
  options.first = Pfn{0x1000};
  options.size = PfnCount{16384};
  options.policy = HwmPolicy(Order{9}, 1);  // as soon as one block of 2 MiB is free
  options.device = [](Backing& backing) { return std::make_shared<PrintingDevice>(backing); };
  options.reporting = false;  // begins below, so that the batches are the same in each run
  const auto memory = Memory::create(options);
  if (!memory) return std::fprintf(stderr, "%s\n", memory.error.c_str()), 1;
  const auto resident = [&] { return memory.object->resident().value().raw / 256; };

  std::vector<Pfn> in_use;
  for (Allocation a = memory.object->allocate(); a.ok(); a = memory.object->allocate())
    in_use.push_back(a.pfn);
  for (const Pfn pfn : in_use) *memory.object->address(pfn) = std::byte{1};
  std::printf("all frames in use: %lu MiB are resident\n", resident());
  for (const Pfn pfn : in_use) {
    if (pfn.raw / 1024 % 2 == 0 && memory.object->free(pfn) != Status::Ok) return 1;  // every second 4 MiB
  }
  memory.object->drain();

  if (memory.object->start_reporting() != Status::Ok) return 1;
  for (int i = 0; i < 1000 && resident() > 32; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  if (memory.object->stop_reporting() != Status::Ok) return 1;  // waits for the last batch
  std::printf("half of them free: %lu MiB are resident\n", resident());
}
