// Fuzzes the MMIO transport with registers that hold any value and change at any time. Checks, besides the
// sanitizers: accesses follow 4.2.2.2 and stay within the window, only driver-writable registers are written,
// an unused slot is not touched, only running queues are notified, and every operation ends.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "fallow/base/check.h"
#include "fallow/virtio/transport/mmio_transport.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/passing_port.h"
#include "fuzz/transport_run.h"

namespace fallow {
namespace {

// Memory that reads back what was written until the input changes it.
class Slot final : public Registers {
 public:
  static constexpr std::uint64_t kMost = 0x200, kQueueNotify = 0x50, kStatus = 0x70, kConfig = 0x100;

  explicit Slot(FuzzInput& in) : size(in.u16() % (kMost + 1)), stuck_(in.u8() % 2 != 0) {
    const auto given = in.bytes(bytes_.size());
    std::copy(given.begin(), given.end(), bytes_.begin());
  }

  const std::uint64_t size;
  unsigned writes = 0;
  std::uint32_t running = 0;  // one bit a queue; only running queues may be notified

  void poke(std::uint64_t offset, std::uint8_t value) { bytes_[offset % kMost] = value; }
  // `value` answers the read that follows `reads` more reads.
  void answer(unsigned reads, std::uint32_t value) { reads_left_ = reads + 1, answer_ = value; }

  std::uint8_t read8(std::uint64_t at) noexcept override { return read<std::uint8_t>(at); }
  std::uint16_t read16(std::uint64_t at) noexcept override { return read<std::uint16_t>(at); }
  std::uint32_t read32(std::uint64_t at) noexcept override { return read<std::uint32_t>(at); }
  void write8(std::uint64_t at, std::uint8_t value) noexcept override { write(at, value); }
  void write16(std::uint64_t at, std::uint16_t value) noexcept override { write(at, value); }
  void write32(std::uint64_t at, std::uint32_t value) noexcept override {
    // 4.2.2: the driver-writable registers, in order.
    constexpr std::uint64_t kWritable[] = {0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x64,
                                           0x70, 0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4, 0xc0};
    FALLOW_CHECK(at >= kConfig || std::binary_search(std::begin(kWritable), std::end(kWritable), at));
    FALLOW_CHECK(at != kQueueNotify || (value < MmioTransport::kMaxQueues && (running >> value & 1) != 0));
    write(at, value);
  }

 private:
  template <class T>
  T read(std::uint64_t at) {
    check(at, sizeof(T));
    if (reads_left_ != 0 && --reads_left_ == 0) return static_cast<T>(answer_);
    T value;
    std::memcpy(&value, &bytes_[at], sizeof value);
    return value;
  }
  template <class T>
  void write(std::uint64_t at, T value) {
    check(at, sizeof(T));
    ++writes;
    if (stuck_ && at == kStatus) return;
    std::memcpy(&bytes_[at], &value, sizeof value);
  }
  void check(std::uint64_t at, std::uint64_t width) const {
    FALLOW_CHECK(at % width == 0 && at + width <= size && (width == 4 || at >= kConfig));
  }

  const bool stuck_;  // the status never changes
  std::array<std::uint8_t, kMost> bytes_{};
  unsigned reads_left_ = 0;
  std::uint32_t answer_ = 0;
};

class Run final : public TransportRun {
 public:
  explicit Run(FuzzInput& in) : TransportRun(in), slot_(in) {}

  void operate() {
    const detail::Unusable why = run(transport_);
    if (why != detail::Unusable::No)
      FALLOW_CHECK(slot_.writes == (why == detail::Unusable::DoesNotReset ? 1u : 0u));
  }

 private:
  void step() override {
    switch (in_.u8() % 12) {
      case 0:
        poke();
        break;
      case 1:
        slot_.answer(in_.u8() % 16, in_.u32());
        break;
      case 2:
        accept();
        break;
      case 3:
        set_status();
        break;
      case 4:
        static_cast<void>(transport_.max_queue_size(in_.u16()));
        break;
      case 5: {
        const std::uint16_t queue = in_.u8() % 40;
        if (start_queue(queue)) slot_.running |= std::uint32_t{1} << queue;
        transport_.notify(queue);
        break;
      }
      case 6:
        reset_queue();
        break;
      case 7:
        transport_.notify(in_.u8());
        break;
      case 8:
        read_config(Slot::kMost);
        break;
      case 9:
        write_config();
        break;
      case 10:
        set_calls();
        break;
      default:
        deliver();
    }
  }

  void poke() {
    const std::uint16_t offset = in_.u16();
    for (unsigned i = 0; const std::uint8_t byte : in_.bytes(in_.u8() % 8)) slot_.poke(offset + i++, byte);
  }

  void accept() {
    accepted_ = transport_.offered() | (in_.u8() % 2 != 0 ? kFeatureRingReset : 0);
    transport_.accept(accepted_);
  }

  void set_status() {
    const std::uint8_t status = in_.u8();
    transport_.set_status(status);
    if (status == 0) slot_.running = 0, accepted_ = 0;
  }

  void reset_queue() {
    const std::uint16_t queue = in_.u8() % 40;
    const Status status = transport_.reset_queue(queue);
    const bool possible = queue < MmioTransport::kMaxQueues && (accepted_ & kFeatureRingReset) != 0;
    FALLOW_CHECK(possible || status == Status::Failed);
    // The driver is done with the queue, whatever the device answered.
    if (possible) slot_.running &= ~(std::uint32_t{1} << queue);
    transport_.notify(queue);
  }

  PassingPort port_;
  Slot slot_;
  MmioTransport transport_{port_, RegisterWindow(slot_, 0, slot_.size)};
  Features accepted_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  Run(in).operate();
  return 0;
}

}  // namespace fallow
