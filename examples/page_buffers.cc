// A std::pmr::memory_resource for buffers of whole pages, in a program whose memory goes back to the
// operating system while the program idles.
#include <bit>
#include <chrono>
#include <cstdio>
#include <memory_resource>
#include <new>
#include <thread>
#include <vector>

#include "fallow/host.h"

using namespace fallow;
using namespace std::chrono_literals;

// Buffers of 4 KiB to 4 MiB come from a Memory, rounded up to a power of two; all others from `upstream`.
class PageResource final : public std::pmr::memory_resource {
 public:
  explicit PageResource(Memory& memory, memory_resource* upstream = std::pmr::new_delete_resource())
      : memory_(memory), upstream_(upstream) {}

 private:
  static Order order_of(std::size_t size) {
    return {static_cast<std::uint8_t>(std::bit_width((size - 1) / kFrameSize))};
  }
  static bool small_or_large(std::size_t size, std::size_t alignment) {
    return size < kFrameSize || size > bytes(frames(kMaxOrder)).raw || alignment > kFrameSize;
  }

  void* do_allocate(std::size_t size, std::size_t alignment) override {
    if (small_or_large(size, alignment)) return upstream_->allocate(size, alignment);
    const Allocation got = memory_.allocate(order_of(size));
    if (!got.ok()) throw std::bad_alloc();
    return memory_.address(got.pfn);
  }
  void do_deallocate(void* buffer, std::size_t size, std::size_t alignment) override {
    if (small_or_large(size, alignment)) return upstream_->deallocate(buffer, size, alignment);
    if (const Status status = memory_.free(memory_.frame_of(buffer), order_of(size)); status != Status::Ok)
      std::fprintf(stderr, "a buffer was not freed: %s\n", describe(status));
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  Memory& memory_;
  memory_resource* upstream_;
};

int main() {
  MemoryOptions options;
  options.size = PfnCount{65536};                           // at most 256 MiB of buffers
  options.policy = AgedPolicy(Order{0}, milliseconds(50));  // single frames too, once free for 50 ms
  const auto memory = Memory::create(options);
  if (!memory) return std::fprintf(stderr, "%s\n", memory.error.c_str()), 1;
  PageResource pages(*memory.object);
  const auto resident = [&] { return memory.object->resident().value().raw / 256; };

  {
    std::pmr::vector<std::pmr::vector<char>> buffers(&pages);
    for (int i = 0; i < 128; ++i) buffers.emplace_back(std::size_t{1} << 20, 'x');
    std::printf("busy: 128 buffers of 1 MiB, %lu MiB resident\n", resident());
  }
  std::printf("the buffers are freed: %lu MiB resident, ready for the next ones\n", resident());
  memory.object->drain();  // this thread is about to idle
  for (int i = 0; i < 400 && resident() != 0; ++i) std::this_thread::sleep_for(5ms);
  std::printf("idle: %lu MiB resident\n", resident());
}
