// Fuzzes the PCI transport with configuration space and registers of any content at any time. Checks, besides
// the sanitizers: only mapped memory is accessed, no mapping exceeds a BAR, only driver-writable bytes of the
// configuration space are written, and every operation ends.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "fallow/base/check.h"
#include "fallow/virtio/transport/pci_transport.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/passing_port.h"
#include "fuzz/transport_run.h"

namespace fallow {
namespace {

// A BAR that reads back what was written until the input changes it.
class Bar final : public Registers {
 public:
  static constexpr std::uint64_t kSize = 0x4000;

  void mapped(std::uint64_t offset, std::uint64_t length) { parts_.push_back({offset, length}); }
  void poke(std::uint64_t offset, std::uint8_t value) { bytes_[offset % kSize] = value; }

  std::uint8_t read8(std::uint64_t at) noexcept override { return read<std::uint8_t>(at); }
  std::uint16_t read16(std::uint64_t at) noexcept override { return read<std::uint16_t>(at); }
  std::uint32_t read32(std::uint64_t at) noexcept override { return read<std::uint32_t>(at); }
  void write8(std::uint64_t at, std::uint8_t value) noexcept override { write(at, value); }
  void write16(std::uint64_t at, std::uint16_t value) noexcept override { write(at, value); }
  void write32(std::uint64_t at, std::uint32_t value) noexcept override { write(at, value); }

 private:
  struct Part {
    std::uint64_t offset, length;
  };

  template <class T>
  T read(std::uint64_t at) {
    check(at, sizeof(T));
    T value;
    std::memcpy(&value, &bytes_[at], sizeof value);
    return value;
  }
  template <class T>
  void write(std::uint64_t at, T value) {
    check(at, sizeof(T));
    std::memcpy(&bytes_[at], &value, sizeof value);
  }
  void check(std::uint64_t at, std::uint64_t width) const {
    FALLOW_CHECK(std::any_of(parts_.begin(), parts_.end(), [=](const Part& part) {
      return at >= part.offset && at + width <= part.offset + part.length;
    }));
  }

  std::array<std::uint8_t, kSize> bytes_{};
  std::vector<Part> parts_;
};

class Function final : public PciFunction {
 public:
  explicit Function(FuzzInput& in) {
    const auto given = in.bytes(space.size());
    std::copy(given.begin(), given.end(), space.begin());
  }

  std::array<std::uint8_t, 256> space{};
  std::array<Bar, kPciBars> bars;

  std::uint8_t config8(std::uint8_t at) noexcept override { return get<std::uint8_t>(at); }
  std::uint16_t config16(std::uint8_t at) noexcept override { return get<std::uint16_t>(at); }
  std::uint32_t config32(std::uint8_t at) noexcept override { return get<std::uint32_t>(at); }
  void set_config16(std::uint8_t at, std::uint16_t value) noexcept override {
    const bool msix_control = at >= 2 && space[at - 2U] == 0x11;
    FALLOW_CHECK(at % 2 == 0 && (at == kPciCommand || (at >= 0x42 && msix_control)));
    std::memcpy(&space[at], &value, sizeof value);
  }
  void set_config32(std::uint8_t at, std::uint32_t value) noexcept override {
    FALLOW_CHECK(at >= kPciFirstBar && at < kPciFirstBar + 4 * kPciBars && at % 4 == 0);
    std::memcpy(&space[at], &value, sizeof value);
  }
  PciMapping map(std::uint8_t bar, std::uint64_t offset, std::uint64_t length) noexcept override {
    FALLOW_CHECK(bar < kPciBars && length != 0);
    PciBar found = read_pci_bar(*this, bar);
    found.size = std::min(found.size, Bar::kSize);
    const PciMapStatus status = found.check(offset, length);
    if (status != PciMapStatus::Ok) return {status, {}};
    bars[bar].mapped(offset, length);
    return {status, RegisterWindow(bars[bar], offset, length)};
  }

 private:
  template <class T>
  T get(std::uint8_t at) {
    FALLOW_CHECK(at % sizeof(T) == 0);
    T value;
    std::memcpy(&value, &space[at], sizeof value);
    return value;
  }
};

class Run final : public TransportRun {
 public:
  explicit Run(FuzzInput& in) : TransportRun(in), function_(in) {}

  void operate() { run(transport_); }

 private:
  void step() override {
    switch (in_.u8() % 12) {
      case 0:
        poke();
        break;
      case 1:
        transport_.accept(transport_.offered() | (in_.u8() % 2 != 0 ? kFeatureRingReset : 0));
        break;
      case 2:
        transport_.set_status(in_.u8());
        break;
      case 3:
        static_cast<void>(transport_.max_queue_size(in_.u16()));
        break;
      case 4: {
        const std::uint16_t queue = in_.u8() % 40;
        start_queue(queue);
        transport_.notify(queue);
        break;
      }
      case 5:
        static_cast<void>(transport_.reset_queue(in_.u16()));
        break;
      case 6:
        transport_.notify(in_.u8());
        break;
      case 7:
        read_config(4096);
        break;
      case 8:
        write_config();
        break;
      case 9:
        set_calls();
        break;
      case 10:
        deliver();
        break;
      default:
        static_cast<void>(transport_.use_msix({in_.u64(), in_.u32()}, {in_.u64(), in_.u32()}));
    }
  }

  // Changes a few bytes of a BAR or of the configuration space.
  void poke() {
    const std::uint8_t where = in_.u8();
    const std::uint16_t offset = in_.u16();
    for (unsigned i = 0; const std::uint8_t byte : in_.bytes(in_.u8() % 8)) {
      if (where < 240) {
        function_.bars[where % kPciBars].poke(offset + i++, byte);
      } else {
        function_.space[(offset + i++) % function_.space.size()] = byte;
      }
    }
  }

  PassingPort port_;
  Function function_;
  PciTransport transport_{port_, function_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  Run(in).operate();
  return 0;
}

}  // namespace fallow
